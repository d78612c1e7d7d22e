"""What the checks of faults have in common: teams of hosts, load, and what streams were like to their clients."""
import json
import pathlib
import sqlite3
import subprocess
import sys
import threading
import time

from . import follow, stack
from .members import LOOPBACK, each, gather
from .namespaces import LabError, wait_for
from .placing import roster, tier_of, warm

CHAT = LOOPBACK + "/v1/chat/completions"
LOAD, STREAMS = (pathlib.Path(__file__).with_name(name) for name in ("load.py", "streams.py"))
TIER = "plan"


def assemble(lab, slots=4, engine=None):
    """A cluster of a host whose router is asked, the first, and of others that have the heavy tier in memory. engine: of
    scripted_server.py, in place of a llama-server."""
    seer, *others = lab
    seer.equip(stack.models("code-fast"))
    for host in others:
        host.equip(stack.models(TIER, size="small", context=4096 * slots), slots=slots)
        if engine:
            stack.place_scripted_server(host.home, engine, slots)
    gather(lab)
    each(others, lambda host: warm(host, TIER))
    for host in others:
        await_ready(seer, host)
    return seer, others


def is_ready(seer, host):
    node = roster(seer).get(host.name, {"state": "gone", "tiers": []})
    return node["state"] == "up" and tier_of(seer, host.name, TIER).get("state") == "ready"


def await_ready(seer, host, seconds=20):
    wait_for(lambda: is_ready(seer, host), seconds, f"{seer.name} to know that {host.name} is up and has {TIER}")


def await_up(seer, host, seconds=15):
    wait_for(lambda: roster(seer).get(host.name, {}).get("state") == "up", seconds, f"{seer.name} to see {host.name} up")


class Revival:
    """Starts a killed host's stack again, beside what the check does meanwhile."""

    def __init__(self, seer, host):
        self.seer, self.host, self.problem = seer, host, None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            self.host.start()
            await_up(self.seer, self.host)
            warm(self.host, TIER)
            await_ready(self.seer, self.host)
        except (LabError, OSError, subprocess.TimeoutExpired) as problem:
            self.problem = problem

    def wait(self):
        self.thread.join(60)
        if self.problem or self.thread.is_alive():
            raise LabError(f"{self.host.name} does not come back: {self.problem}")


def begin_load(host, bodies, workers=2, count=None, seconds=None, pause=0, timeout=60):
    """Starts a load on a host's own router. Returns a Follow whose lines are as load.py tells them."""
    job = {"url": CHAT, "bodies": bodies, "workers": workers, "count": count, "seconds": seconds, "pause": pause, "timeout": timeout}
    return fed(host, LOAD, job)


def begin_streams(host, requests, timeout=60):
    """Starts posting from a host, all at once. Returns a Follow whose lines are as streams.py tells them."""
    return fed(host, STREAMS, {"requests": [{"url": CHAT, **request} for request in requests], "timeout": timeout})


def await_sent(running, count, seconds=30):
    """Waits until streams.py has sent so many requests."""
    mark = 0
    for _ in range(count):
        running.wait(lambda line: line["what"] == "sent", seconds, mark, "a request to be sent")
        with running.changed:
            mark = next(n for n in range(mark, len(running.lines)) if running.lines[n][1]["what"] == "sent") + 1


def under_way(load, workers):
    """The numbers of all requests that a load may have under way at this moment: each of its workers has one at a time. Some may
    be over, or yet to begin."""
    return range(len(load.lines) + workers)


def await_ended(load, numbers, seconds=60):
    """Waits until a load's requests of these numbers are over."""
    wait_for(lambda: {line["number"] for _, line in list(load.lines)} >= set(numbers), seconds, "requests under way to be over")


def is_out_of_retries(text):
    """Whether a client was told that its router asks no other host, having done that so often just now."""
    return "No other host was asked: too many requests" in str(text or "")


def fed(host, script, job):
    path = host.home / f"tmp/{script.stem}-{time.monotonic_ns()}.json"
    path.write_text(json.dumps(job))
    return follow.Follow(host, ["sh", "-c", 'exec "$0" "$1" <"$2"', sys.executable, script, path], json.loads)


def finished(running, seconds):
    """All lines of a load or of streams, once it has ended."""
    try:
        running.process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise LabError(f"requests did not come to an end in {seconds} s: {str(running.last)[:300]}") from None
    with running.changed:
        # The last lines are read by a thread.
        running.changed.wait_for(lambda: running.process.stdout.closed, 0.2)
    return [line for _, line in list(running.lines)]


class Reply:
    """What a client saw of one reply: from the lines of streams.py with its index."""

    def __init__(self, lines, index):
        of = {line["what"]: line for line in lines if line["index"] == index}
        self.status, self.node = of.get("head", {}).get("status"), of.get("head", {}).get("node")
        self.first = of.get("first", {}).get("t")
        end = of.get("end", {"raw": "", "is_cut": True, "failure": "it did not end"})
        self.ended, self.raw, self.is_cut, self.failure = end.get("t"), end["raw"], end["is_cut"], end.get("failure")
        self.left = of.get("left", {}).get("at")

    @property
    def is_event_stream(self):
        return self.raw.startswith(("data:", ":"))

    def events(self):
        """The data of its events, decoded. Raises ValueError at what is no event, or no whole one."""
        if not self.raw.endswith("\n\n"):
            raise ValueError(f"it ends with a part of an event: {self.raw[-120:]!r}")
        found = []
        for event in self.raw[:-2].split("\n\n"):
            if event.startswith(":"):
                continue
            if not event.startswith("data: ") or "\n" in event:
                raise ValueError(f"no event: {event[:120]!r}")
            found.append("[DONE]" if event == "data: [DONE]" else json.loads(event[6:]))
        return found

    def text(self):
        """The words of the answer."""
        return "".join(choice["delta"].get("content") or "" for event in self.events() if isinstance(event, dict)
                       for choice in event.get("choices") or [])

    def errors(self):
        return [event["error"].get("code") for event in self.events() if isinstance(event, dict) and "error" in event]

    @property
    def is_whole(self):
        return self.status == 200 and not self.is_cut and self.raw.endswith("data: [DONE]\n\n") and not self.errors()


def replies(lines, count):
    return [Reply(lines, index) for index in range(count)]


def fault_of_loss(reply, reference):
    """What is wrong with a stream whose host was lost after its first word; None where all is as agreed."""
    if reply.is_cut:
        return f"the connection was cut: {reply.failure}; its end: {reply.raw[-200:]!r}"
    try:
        events, text, errors = reply.events(), reply.text(), reply.errors()
    except (ValueError, KeyError, TypeError) as problem:
        return f"{problem}"
    if errors != ["upstream_lost"] or events[-1].get("error") is None:
        return f"errors {errors}, the last event {str(events[-1])[:200]}"
    if "[DONE]" in events:
        return "[DONE] after a loss"
    return None if reference.startswith(text) else f"other words than without the fault: {text[:100]!r}, {reference[:100]!r}"


def expect_all_served(found, lines, what):
    """Notes a fault where one of a load's requests was not served."""
    lost = [line for line in lines if not line["is_served"]]
    found.number(f"requests {what}", len(lines))
    kinds = sorted({str(line.get("failure") or f"{line.get('status')} {line.get('code')}")[:250] for line in lost})
    found.expect(not lost, f"{len(lost)} of {len(lines)} requests {what} failed: {kinds[:3]}")


def health_of(host):
    """The changes of health in a host's ledger, as dicts."""
    path = host.home / ".local/state/llmstack/state.db"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as ledger:
        ledger.row_factory = sqlite3.Row
        rows = [dict(row) for row in ledger.execute("SELECT * FROM health ORDER BY number")]
    ledger.close()
    return rows
