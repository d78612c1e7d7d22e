"""Several checks beside each other, each in a process and on a lab of its own: most of what they do is wait."""
import concurrent.futures
import json
import subprocess
import sys
import time

from .report import CHECKS

AT_ONCE = 3


def run_all(program, options):
    """Runs every quick check of a program deploy/lab/check-* beside others, and prints what each says. Returns the exit status."""
    began, failed, worst = time.monotonic(), [], 0

    def run(name):
        return name, subprocess.run([sys.executable, program, *options, "--json", name], capture_output=True, text=True)

    names = [check.name for check in CHECKS.values() if check.quick]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for name, done in pool.map(run, names):
            sys.stderr.write(done.stderr)
            worst = max(worst, done.returncode)
            for line in filter(None, done.stdout.splitlines()):
                show(line, "--json" in options)
                failed += [name] * (not json.loads(line)["passed"])
    if "--json" not in options and worst < 2:
        print(f"{len(names) - len(failed)} of {len(names)} passed in {time.monotonic() - began:.0f} s"
              + (f"; failed: {' '.join(failed)}" if failed else ""))
    return worst


def show(line, is_json):
    if is_json:
        return print(line, flush=True)
    told = json.loads(line)
    print(f"{'PASS' if told['passed'] else 'FAIL'}  {told['check']:10} {told['title']} [{told['seconds']} s]")
    for figure in told["lines"]:
        print(f"        {figure}")
    for fault in dict.fromkeys(told["faults"]):
        print(f"      ! {fault}")
    if told["kept"]:
        print(f"      kept: {told['kept']}")
    sys.stdout.flush()
