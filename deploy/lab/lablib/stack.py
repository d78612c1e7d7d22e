"""The llmstack stack of a lab host: what lies in its home, and what its processes are called."""
import os
import pathlib
import shutil

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILT = ROOT / ".build/release"
ENGINE = pathlib.Path(os.environ.get("LLMSTACK_TEST_CACHE") or ROOT / ".build/engine")
PROGRAM = pathlib.Path(os.environ.get("LLMSTACK_BIN") or BUILT / "llmstack")
STAND_IN = BUILT / "llama-swap-stand-in"

MODELS = """# Three tiers of one made-up model.
[DEFAULT]
n_gpu_layers = 0
threads = 1
ctx_size = 4096
tier = code
hf_repo = made-up/words
hf_file = tiny.gguf
size_gb = 0.01
quant = F16

[code-fast]
role = fast

[code-smart]
role = agent

[plan]
tier = chat
role = plan
"""


def missing():
    """What has to be built or installed first, as paths."""
    needed = [PROGRAM, STAND_IN, ENGINE / "bin/llama-server", ENGINE / "models/tiny.gguf"]
    return [str(path) for path in needed if not path.exists()]


def furnish(home):
    """Puts programs, weights and a project into a new home. Returns the project."""
    programs, project = home / "bin", home / "project"
    binaries = home / ".local/share/llmstack/bin"
    # Where Hugging Face's cache has them: a tier whose weights are not on disk is not served.
    weights = home / ".cache/huggingface/hub/models--made-up--words/snapshots/0"
    for folder in (programs, binaries, weights, project / ".llmstack", home / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ENGINE / "models/tiny.gguf", weights / "tiny.gguf")
    (programs / "llmstack").symlink_to(PROGRAM)
    (binaries / "llama-swap").symlink_to(STAND_IN)
    place_program(programs / "llama-server", f'#!/bin/sh\nexec "{ENGINE}/bin/llama-server" "$@"\n')
    place_program(programs / "opencode", "#!/bin/sh\necho 9.9.9\n")
    (project / ".llmstack/models.ini").write_text(MODELS)
    return project


def place_program(path, text):
    path.write_text(text)
    path.chmod(0o755)


def environment(home):
    """All that the processes of a host get from outside."""
    return {
        "HOME": str(home), "PATH": f"{home}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SHELL": "/bin/bash", "USER": "root",
        "LANG": "C.UTF-8", "TERM": os.environ.get("TERM", "dumb"), "TMPDIR": f"{home}/tmp",
        "LLMSTACK_ENGINE_THREADS": "1",
    }


def kind(words):
    """What a process with this command line is: llmstack, llama-swap, llama-server, or None."""
    if not words:
        return None
    if any(word.endswith("/llama-server.py") for word in words):
        return "llama-server"
    name = os.path.basename(words[0])
    return name if name in ("llmstack", "llama-swap") else None
