"""What the programs deploy/lab/check-* have in common: their options, a lab of its own for each check, and how it all ended."""
import argparse
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

from .alone import Alone
from .lab import Impossible, Lab, LabError
from .report import CHECKS, Findings

# Seconds that a check may take.
LIMITS = {"quick": 240, "normal": 300, "long": 1800}


def give_up(*_):
    raise LabError("it did not come to an end")


def carry_out(check, scale, keep):
    """Runs a check on a lab of its own, or in a folder alone. Returns what was found and the folder that was kept, if any."""
    found, kept = Findings(scale), None
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"llmstack-lab-{check.name}-"))
    lab = None
    signal.alarm(LIMITS[scale])
    try:
        lab = Lab.up(check.hosts, folder, tied=True, **check.network) if check.hosts else Alone(folder)
        check.run(lab, found)
    except Impossible:
        raise
    except (LabError, OSError, subprocess.TimeoutExpired) as problem:
        found.faults.append(str(problem))
    except SystemExit as problem:
        # What the programs of deploy/bench say; a number is this program's own end.
        if not isinstance(problem.code, str):
            raise
        found.faults.append(problem.code)
    except (KeyError, TypeError, ValueError, IndexError, StopIteration) as problem:
        # Most often a document that is not as agreed.
        where = traceback.extract_tb(problem.__traceback__)[-1]
        found.faults.append(f"{type(problem).__name__} {problem} at {pathlib.Path(where.filename).name}:{where.lineno}")
    finally:
        signal.alarm(0)
        if lab:
            lab.down(keep=bool(found.faults) and keep)
        if keep and found.faults:
            kept = folder
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return found, kept


def carry_out_all(usage, enter):
    """The main program over the checks that are registered. usage: what --help prints; enter: to be called before the first check.
    Returns the exit status."""
    parser = argparse.ArgumentParser(usage=usage, add_help=False, allow_abbrev=False)
    parser.add_argument("names", nargs="*")
    for option in ("--quick", "--long", "--list", "--json", "--keep"):
        parser.add_argument(option, action="store_true")
    parser.add_argument("-h", "--help", action="store_true")
    options = parser.parse_args()
    if options.help:
        print(usage.strip())
        return 0
    if options.list:
        for check in CHECKS.values():
            print(f"{check.name:10} {'quick' if check.quick else '':6} {check.title}")
        return 0
    if strangers := [name for name in options.names if name not in CHECKS]:
        raise LabError(f"there is no check {strangers[0]}\n  fix: one of {', '.join(CHECKS)}")
    enter()
    scale = "quick" if options.quick else "long" if options.long else "normal"
    chosen = [CHECKS[name] for name in options.names] or [c for c in CHECKS.values() if c.quick or not options.quick]
    began, failed = time.monotonic(), []
    signal.signal(signal.SIGALRM, give_up)
    # Takes the lab down on the way out; the kernel does when it is killed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for check in chosen:
        found, kept = carry_out(check, scale, options.keep)
        seconds = round(time.monotonic() - found.began, 1)
        failed += [check.name] * bool(found.faults)
        if options.json:
            print(json.dumps({"check": check.name, "title": check.title, "passed": not found.faults, "seconds": seconds,
                              "figures": found.figures, "lines": list(found.lines()), "faults": found.faults,
                              "kept": kept and str(kept)}), flush=True)
            continue
        print(f"{'FAIL' if found.faults else 'PASS'}  {check.name:10} {check.title} [{seconds} s]")
        for line in found.lines():
            print(f"        {line}")
        for fault in dict.fromkeys(found.faults):
            print(f"      ! {fault}")
        if kept:
            print(f"      kept: {kept}")
        sys.stdout.flush()
    if not options.json:
        print(f"{len(chosen) - len(failed)} of {len(chosen)} passed in {time.monotonic() - began:.0f} s"
              + (f"; failed: {' '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def main(usage, enter=lambda: None):
    """Runs a program deploy/lab/check-*, whose name and options `usage` tells, and ends it. enter: as `carry_out_all` has it."""
    name = pathlib.Path(sys.argv[0]).name
    try:
        sys.exit(carry_out_all(usage, enter))
    except Impossible as problem:
        banner = "=" * 100
        print(f"{banner}\n{name}: NOTHING WAS CHECKED. {problem}\n{banner}", file=sys.stderr)
        sys.exit(3)
    except LabError as problem:
        print(f"{name}: {problem}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
