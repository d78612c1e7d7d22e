import ArgumentParser
import ServiceLifecycle
print("llmstack")
