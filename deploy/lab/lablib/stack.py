"""The llmstack stack of a lab host: what lies in its home, and what its processes are called."""
import os
import pathlib
import shutil

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILT = ROOT / ".build/release"
ENGINE = pathlib.Path(os.environ.get("LLMSTACK_TEST_CACHE") or ROOT / ".build/engine")
PROGRAM = pathlib.Path(os.environ.get("LLMSTACK_BIN") or BUILT / "llmstack")
STAND_IN = BUILT / "llama-swap-stand-in"

# What a tier is, by the name that it has everywhere.
ROLES = {
    "code-fast": "role = fast", "code-smart": "role = agent", "plan": "tier = chat\nrole = plan",
    "plan-uncensored": "tier = chat\nrole = plan-uncensored",
}
# Where Hugging Face's cache has them: a tier whose weights are not on disk is not served.
WEIGHTS = ".cache/huggingface/hub/models--made-up--words/snapshots/0"


def missing():
    """What has to be built or installed first, as paths."""
    needed = [PROGRAM, STAND_IN, *(ENGINE / path for path in ("bin/llama-server", "models/tiny.gguf", "models/small.gguf"))]
    return [str(path) for path in needed if not path.exists()]


def furnish(home):
    """Puts programs, weights and a project into a new home. Returns the project."""
    programs, project = home / "bin", home / "project"
    binaries = home / ".local/share/llmstack/bin"
    weights = home / WEIGHTS
    for folder in (programs, binaries, weights, project / ".llmstack", home / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ENGINE / "models/tiny.gguf", weights / "tiny.gguf")
    (programs / "llmstack").symlink_to(PROGRAM)
    (binaries / "llama-swap").symlink_to(STAND_IN)
    place_server(home)
    place_program(programs / "opencode", "#!/bin/sh\necho 9.9.9\n")
    (project / ".llmstack/models.ini").write_text(models("code-fast", "code-smart", "plan"))
    return project


def models(*tiers, size="tiny", context=4096, more=""):
    """The text of a models.ini with these tiers. size: of the made-up model, tiny or small; more: further sections."""
    # A cache of whole numbers makes these small models' time grow with the square of a prompt, as no large model's does.
    lines = ["[DEFAULT]", "n_gpu_layers = 0", "threads = 1", "flash_attn = on", "cache_type_k = f16", "cache_type_v = f16",
             f"ctx_size = {context}", "tier = code", "hf_repo = made-up/words", f"hf_file = {size}.gguf", "size_gb = 0.01",
             "quant = F16"]
    for tier in tiers:
        lines += ["", f"[{tier}]", ROLES[tier]]
    return "\n".join([*lines, "", more, ""])


def equip(home, text, slots=1, load_seconds=0):
    """Gives a furnished home a models.ini, and a llama-server with that many slots, each with its part of the context, that takes
    that long to load."""
    for size in ("tiny", "small"):
        if not (home / WEIGHTS / f"{size}.gguf").exists():
            shutil.copy(ENGINE / f"models/{size}.gguf", home / WEIGHTS / f"{size}.gguf")
    (home / "project/.llmstack/models.ini").write_text(text)
    place_server(home, slots, load_seconds)


def place_server(home, slots=1, load_seconds=0):
    delay = f"export LLMSTACK_ENGINE_LOAD_DELAY={load_seconds}\n" if load_seconds else ""
    place_program(home / "bin/llama-server", f'#!/bin/sh\n{delay}exec "{ENGINE}/bin/llama-server" "$@" -np {slots}\n')


def place_scripted_server(home, engine, slots=1):
    """Gives a furnished home scripted_server.py for a llama-server. engine: what that does."""
    path = home / "scripted/llama-server.py"
    path.parent.mkdir(exist_ok=True)
    shutil.copy(pathlib.Path(__file__).with_name("scripted_server.py"), path)
    place_program(home / "bin/llama-server", f'#!/bin/sh\nLAB_ENGINE={engine} exec python3 "{path}" "$@" -np {slots}\n')


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
