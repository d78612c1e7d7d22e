import NIOHTTP1

print("stand-in")
