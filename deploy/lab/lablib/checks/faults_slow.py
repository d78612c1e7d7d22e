"""Hosts that stand still, or go on slowly."""
import time

from .. import faults
from ..faulting import TIER, assemble, await_ready, await_up, begin_load, expect_all_served, finished
from ..members import chat
from ..placing import explain, placements, prose, roster, warm
from ..report import check


@check("paused", hosts=3, quick=True)
def paused(lab, found):
    """A host frozen as a batch begins: the batch takes hardly longer than without that host; resumed, it is used again."""
    # Of a pace of their own: a machine that builds beside it gives a llama-server a third of its speed, and takes it again.
    seer, (one, two) = assemble(lab, slots=2, engine="paced:0.2:0.2")
    count = found.count(50, 150, 300)
    bodies = [chat(prose(40, f"p{n}"), TIER, 100, stream=n % 2 == 0) for n in range(count)]

    def batch(what):
        began = time.monotonic()
        lines = finished(begin_load(seer, bodies, workers=4, count=len(bodies), timeout=120), 240)
        seconds = time.monotonic() - began
        expect_all_served(found, lines, what)
        return seconds, lines

    two.stop()
    without, _ = batch("without the host")
    two.start()
    await_up(seer, two)
    warm(two, TIER)
    await_ready(seer, two)
    faults.freeze(two)
    frozen, lines = batch("with the host frozen")
    longest = max(line["seconds"] for line in lines)
    faults.thaw(two)
    thawed = time.monotonic()
    await_ready(seer, two)
    found.times("resumed to up", [time.monotonic() - thawed], 5)
    bodies = bodies[:30]
    _, lines = batch("with the host resumed")
    found.number("of these by the host that was frozen", sum(line["node"] == two.name for line in lines))
    found.expect(any(line["node"] == two.name for line in lines), "the host that was frozen is used no more")
    found.times("the batch without the host", [without])
    found.times("the batch with the host frozen", [frozen])
    found.times("its longest request", [longest])
    found.number("the batch with the host frozen, times without it", frozen / without, limit=1.1)


@check("slow", hosts=3, quick=True)
def slow(lab, found):
    """A host whose engine is ten times slower than it was: its share of requests falls below a quarter of its peer's."""
    seer, (slow_one, peer) = assemble(lab)
    bodies = [chat(prose(150, f"w{n}"), TIER, 40, stream=n % 2 == 0, cache_prompt=False) for n in range(200)]
    # Both are known for what they can do.
    finished(begin_load(seer, bodies, workers=4, seconds=found.count(5, 8, 8)), 60)
    window, limit = 5, 30
    duration = found.count(limit + window, limit + 2 * window, 90)
    with faults.Throttle(slow_one, 0.1):
        began = time.monotonic()
        running = begin_load(seer, bodies, workers=4, seconds=duration, timeout=120)
        lines = finished(running, duration + 120)
        eligible = {entry["node"]: (entry["eligible"], entry.get("why")) for entry in explain(seer, bodies[0])["hosts"]}
    expect_all_served(found, lines, "while one host was slow")

    def shares(start, end):
        inside = [line["node"] for line in lines if start <= line["t"] - began < end]
        return inside.count(slow_one.name), inside.count(peer.name)

    for start in range(0, duration, window):
        slow_count, peer_count = shares(start, start + window)
        found.number(f"from {start} s to {start + window} s: requests of the slow host per 100 of its peer",
                     100 * slow_count / max(peer_count, 1), limit=None if start < limit else 25)
    found.expect(sum(shares(limit, duration)) >= 10, f"only {sum(shares(limit, duration))} requests after {limit} s")
    found.expect(eligible[slow_one.name][0], f"the slow host is out: {eligible[slow_one.name][1]}")
    failed = [row for row in placements(seer) if row["outcome"] == "failed"]
    found.expect(not failed, f"{len(failed)} requests failed at a host, such as {failed[:1]}")
    found.expect(roster(seer)[slow_one.name]["state"] == "up", "the slow host is not up")
