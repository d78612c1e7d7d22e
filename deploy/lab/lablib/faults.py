"""What can go wrong with a host while others use it: its stack killed, frozen or throttled, its network cut in one way or both."""
import os
import signal
import threading
import time

from . import namespaces, stack
from .namespaces import LabError, wait_for

# Killed in this order nobody sees the others die first.
STACK = ("llmstack", "llama-swap", "llama-server")


def processes(host, kinds=STACK):
    """Numbers, seen from outside, of the stack's processes of these kinds that stay: commands that a check runs are none of them."""
    every = {pid: namespaces.command_words(pid) for pid in host.processes()}
    found = []
    for wanted in kinds:
        for pid, words in every.items():
            if stack.kind(words) == wanted and (wanted != "llmstack" or "router" in words[1:2]):
                found.append(pid)
    return found


def kill(host, kinds=STACK, pids=None):
    """kill -9 of a part of a stack; the kernel ends its connections. pids: looked up before, where the moment counts. Returns
    when, on time.monotonic()."""
    pids = processes(host, kinds) if pids is None else pids
    now = time.monotonic()
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    if not pids:
        raise LabError(f"{host.name} has nothing of {', '.join(kinds)} to kill")
    # Gone altogether: the first thread of a process may have ended while others still hold its sockets.
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 10, f"the end of {kinds} on {host.name}")
    return now


def freeze(host, kinds=STACK):
    """Stops a stack where it is: its kernel goes on answering for it."""
    host.signal(processes(host, kinds), signal.SIGSTOP)


def thaw(host, kinds=STACK):
    host.signal(processes(host, kinds), signal.SIGCONT)


def cut(host, ways=("from", "to")):
    """Drops what a host sends ("from"), what it is sent ("to"), or both."""
    table = f"cut_{host.name}"
    heal(host)
    rules = {"from": f'iifname "{host.port}" drop', "to": f'oifname "{host.port}" drop'}
    host.lab.in_switch("nft", "-f", "-", input=(
        f"table bridge {table} {{\n chain drops {{\n  type filter hook forward priority 0\n  "
        + "\n  ".join(rules[way] for way in ways) + "\n }\n}\n"))
    return time.monotonic()


def heal(host):
    host.lab.in_switch("nft", "delete", "table", "bridge", f"cut_{host.name}", check=False)
    return time.monotonic()


class Throttle:
    """Lets a part of a stack run for a share of the time only, from its start to the end of the block."""

    PERIOD = 0.05

    def __init__(self, host, share, kinds=("llama-server",)):
        self.host, self.share, self.kinds = host, share, kinds
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        pids, looked = [], 0.0
        while not self.is_over.is_set():
            if time.monotonic() - looked > 1:
                pids, looked = processes(self.host, self.kinds), time.monotonic()
            self.host.signal(pids, signal.SIGSTOP)
            self.is_over.wait(self.PERIOD * (1 - self.share))
            self.host.signal(pids, signal.SIGCONT)
            time.sleep(self.PERIOD * self.share)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join(5)
        thaw(self.host, self.kinds)
