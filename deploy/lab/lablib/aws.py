"""AWS's own Python programs, in a venv below .build, and the probe that is held against them."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROBE = ROOT / ".build/release/aws-probe"
HOME = pathlib.Path(os.environ.get("LLMSTACK_TEST_CACHE") or ROOT / ".build/engine") / "aws-python"
# One version of each: what AWS's programs do changes from one to the next.
PACKAGES = ["boto3==1.44.8", "moto[server]==5.2.5"]


def enter():
    """Has the calling script run by the Python of the venv, which is made where it is missing."""
    if not PROBE.exists():
        sys.exit(f"{sys.argv[0]}: there is no {PROBE}\n  fix: swift build -c release --product aws-probe")
    python = HOME / "bin/python"
    if pathlib.Path(sys.prefix) == HOME:
        return
    stamp = HOME / "llmstack-packages"
    wanted = "\n".join(PACKAGES)
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"==> {', '.join(PACKAGES)} in {HOME}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES], check=True)
        stamp.write_text(wanted)
    os.execv(str(python), [str(python), *sys.argv])
