"""Requests that stand in a host's line."""
import time

from ..faulting import TIER, assemble, await_up, begin_load, expect_all_served, finished
from ..members import chat
from ..namespaces import wait_for
from ..placing import placements, prose, roster, tier_of
from ..report import check

# Seconds until an engine's first word, and from one to the next.
PACE = 3, 0.1


@check("line", hosts=3, quick=True)
def line(lab, found):
    """Requests in the line of a busy host are taken to one that comes up meanwhile, each of them once, and all are served."""
    before, word = PACE
    seer, (busy, other) = assemble(lab, slots=1, engine=f"paced:{before}:{word}")
    other.stop()
    wait_for(lambda: roster(seer).get(other.name, {}).get("state") != "up", 15, f"{seer.name} to see {other.name} gone")
    count = found.count(8, 12, 24)
    bodies = [chat(prose(20, f"l{n}"), TIER, 5, stream=n % 2 == 0) for n in range(count)]
    running = begin_load(seer, bodies, workers=count, count=count, timeout=240)
    # One has the slot, one waits in llama-server for it.
    wait_for(lambda: tier_of(seer, busy.name, TIER).get("queued", 0) >= count - 1, 20, "requests to stand in line")
    other.start()
    await_up(seer, other)
    came = time.monotonic()
    lines = finished(running, 300)
    expect_all_served(found, lines, "while they stood in line")
    found.expect(all(line["t"] < came for line in lines), "a request was asked for after the other host was there")
    taken = [line for line in lines if line["node"] == other.name]
    found.number("of these taken to the other host", len(taken))
    found.expect(taken, f"{other.name} served none")
    wait_for(lambda: len({row["request"] for row in placements(seer) if row["outcome"] == "moved"}) >= len(taken), 15,
             "the ledger to have each request that left the line")
    # What is left of the line behind it ends on both hosts.
    found.number("seconds of the whole, in turns of one request", (max(line["t"] + line["seconds"] for line in lines) - came)
                 / (before + 5 * word), limit=count * 0.8)
