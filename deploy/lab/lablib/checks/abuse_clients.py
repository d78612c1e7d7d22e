"""Clients that read slowly, say nothing, or leave all at once."""
import statistics
import time

from benchlib.nodes import made_up
from benchlib.router import Home
from ..abuse import Crowd, measured, scripted_upstream
from ..namespaces import wait_for
from ..report import check

# What small requests may suffer, in milliseconds of their p99.
MOVES = 10
# MB more than before that a router may have resident a minute after: what the allocator keeps for the next crowd.
KEPT = 10
# That leave at once.
STREAMS = 1000
# Seconds after which a client that takes nothing is cut, and how late that may be noticed.
STALLED, LATE = 60, 6


@check("one-byte", hosts=0, quick=True)
def one_byte(place, found):
    """Clients that read a byte a second, idle ones, and 1,000 that leave at once: small requests do not notice, memory returns."""
    upstream = scripted_upstream(place)
    single(place, found, "single host", Home(place.folder, "single", upstream, tiers=["plan"]))
    if found.scale == "long":
        # All that comes is this router's own to serve, and at once: those that wait for a slot are another matter.
        others = made_up(3, slots=STREAMS + 100, accepting=False)
        single(place, found, "cluster", Home(place.folder, "cluster", upstream, others, tiers=["plan"]))


def single(place, found, mode, home):
    router = place.begin(home.start())
    seconds, rounds = found.count(2, 4, 6), found.count(1, 3, 5)
    # Once for the memory that it keeps for good.
    Crowd("idle", home.port, 50).cut()
    measured(home.port, 2)
    before = router.rss()
    moves = {"slow": [], "idle": [], "streams": []}
    highest = before
    for number in range(rounds):
        _, alone, bad = measured(home.port, seconds)
        for kind, words in {"slow": (20, 1 << 20), "idle": (900,), "streams": (STREAMS, 2)}.items():
            crowd = place.begin(Crowd(kind, home.port, *words))
            found.expect(crowd.facts["refused"] == 0, f"{mode}: {crowd.facts} of {kind}")
            # The streams are cut in the midst of it.
            whole = []
            cut = (lambda: whole.append(crowd.cut())) if kind == "streams" else lambda: None
            _, beside, more = measured(home.port, seconds, cut)
            bad += more
            moves[kind].append(beside - alone)
            highest = max(highest, router.rss())
            whole = whole or [crowd.cut()]
            found.expect(whole == [words[0]], f"{mode}: {words[0] - whole[0]} of {words[0]} connections of {kind} were ended by the router")
            wait_for(lambda: router.clients() == 0, 5, f"{mode}: the end of the connections of {kind}")
        found.expect(not bad, f"{mode}: {len(bad)} small requests were not served: {bad[:2]}")
    for kind, values in moves.items():
        found.number(f"{mode}: p99 of small requests moves beside {kind}", statistics.median(values), "ms",
                     limit=None if found.scale == "quick" else MOVES)
    stalled(place, found, mode, home, router)
    returns(found, mode, router, before, highest)


def stalled(place, found, mode, home, router):
    """A client that takes nothing of 32 MB is cut after a minute. Not with --quick: unit tests have it, too."""
    if found.scale == "quick":
        return
    crowd = place.begin(Crowd("stalled", home.port, 5, 32 << 20))
    began = time.monotonic()
    found.expect(crowd.facts["ready"] == 5, f"{mode}: {crowd.facts}")
    time.sleep(STALLED - 5)
    found.expect(router.clients() == 5, f"{mode}: stalled clients are cut before {STALLED} s")
    wait_for(lambda: router.clients() == 0, 5 + LATE, f"{mode}: the end of stalled clients")
    found.times(f"{mode}: stalled clients are cut", [time.monotonic() - began], STALLED + LATE)
    crowd.cut()


def returns(found, mode, router, before, highest):
    began = time.monotonic()
    while router.rss() > before + KEPT and time.monotonic() - began < 60:
        time.sleep(0.5)
    found.number(f"{mode}: MB resident before", before)
    found.number(f"{mode}: at most", highest)
    found.number(f"{mode}: {time.monotonic() - began:.0f} s after, more than before", router.rss() - before, "MB", limit=KEPT)
