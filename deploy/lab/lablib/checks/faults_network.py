"""Hosts whose network is cut, or loses packets."""
import random
import time

from .. import faults, follow
from ..faulting import TIER, assemble, begin_load, expect_all_served, finished, health_of
from ..members import await_all, chat, describe, each, gather, post, state_of
from ..namespaces import LabError
from ..placing import placed, prose
from ..report import check

# Seconds from the moment at which something happens until a router says so, at most.
SUSPECT, DOWN, UP = 1.6, 4.5, 5


def moment(watch, identity, states, mark, began, seconds=10):
    """Seconds until a node is in one of these states for a router; None where it is not."""
    try:
        return watch.wait(lambda view: state_of(view, identity) in states, seconds, mark)[0] - began
    except LabError:
        return None


@check("cut", hosts=5, quick=True)
def cut(lab, found):
    """Networks cut, both ways and one way: suspect, down, and up again after it, in time; who is well stays up."""
    seer, *others = lab
    gather(lab)
    ways = {"both ways": (others[0], ("from", "to")), "what it sends": (others[1], ("from",)), "what it is sent": (others[2], ("to",))}
    identities = {what: describe(host)["id"] for what, (host, _) in ways.items()}
    well, chance = describe(others[3])["id"], random.Random(3)
    seconds = {state: {what: [] for what in ways} for state in ("suspect", "down", "up")}
    with follow.watch(seer) as watch:
        for number in range(found.count(1, 3, 10)):
            await_all(list(lab))
            # Somewhere between two pings.
            time.sleep(1 + chance.uniform(0, 1))
            mark, began = watch.mark, {}
            for what, (host, which) in ways.items():
                began[what] = faults.cut(host, which)
            for what, (host, which) in ways.items():
                seconds["suspect"][what].append(moment(watch, identities[what], ("suspect", "down"), mark, began[what]))
            for what in ways:
                seconds["down"][what].append(moment(watch, identities[what], ("down", "gone"), mark, began[what]))
            time.sleep(chance.uniform(0, 3))
            mark = watch.mark
            for what, (host, _) in ways.items():
                began[what] = faults.heal(host)
            for what in ways:
                seconds["up"][what].append(moment(watch, identities[what], ("up",), mark, began[what]))
        seen = {state_of(view, well) for _, view in list(watch.lines)}
        found.expect(seen == {"up"}, f"the host whose network is well was {seen}")
    limits = {"suspect": SUSPECT, "down": DOWN, "up": UP}
    for state, limit in limits.items():
        for what in ways:
            # Where a host is told nothing any more, the next of its pings, which come once a second, still arrives.
            later = 1 if what == "what it is sent" and state != "up" else 0
            found.times(f"cut of {what}: {'healed' if state == 'up' else 'cut'} to {state}", seconds[state][what], limit + later)


@check("loss", hosts=3, quick=True)
def loss(lab, found):
    """One packet in five lost, each way, between a router and all others: nobody is down for it, every request is served."""
    seer, others = assemble(lab)
    before = {host.name: len(health_of(host)) for host in lab}
    duration = found.count(60, 120, 600)
    seer.lose(20)
    bodies = [chat(prose(40 + 30 * (n % 5), f"l{n}"), TIER, 16, stream=n % 2 == 0) for n in range(100)]
    lines = finished(begin_load(seer, bodies, workers=4, seconds=duration, pause=0.2, timeout=120), duration + 130)
    seer.lose(0)
    # The ledger is written in the background.
    time.sleep(1.5)
    expect_all_served(found, lines, "over the lossy network")
    found.times("a request there", [line["seconds"] for line in lines])
    changes = [(host.name, row) for host in lab for row in health_of(host)[before[host.name]:]]
    found.number("times that somebody was suspect", sum(row["to_state"] == "suspect" for _, row in changes))
    downs = [f"{name}: {row['name']} {row['from_state']} -> {row['to_state']}: {row['evidence']}" for name, row in changes
             if row["to_state"] in ("down", "gone")]
    found.number("times that somebody was down", len(downs), limit=0)
    for down in downs[:4]:
        found.expect(False, down)
    await_all(list(lab))


@check("alone", hosts=3, quick=True)
def alone(lab, found):
    """A router that loses everybody at once blames itself: others are suspect at most, its own tiers serve, then all are up."""
    seer, *others = lab
    gather(lab)
    each([seer], lambda host: post(host, chat("hello", "code-fast")))
    identities = [describe(host)["id"] for host in others]
    chance, worst, again, served = random.Random(4), set(), [], []
    with follow.watch(seer) as watch:
        for number in range(found.count(2, 4, 20)):
            await_all(list(lab))
            time.sleep(1 + chance.uniform(0, 1))
            mark = watch.mark
            # By turns frames are dropped, and the carrier is lost.
            faults.cut(seer) if number % 2 == 0 else seer.cut()
            cut = time.monotonic()
            while time.monotonic() - cut < 8:
                reply = post(seer, chat("hello", "code-fast"), timeout=10)
                served.append(reply["seconds"] if reply.get("status") == 200 else None)
                found.expect(reply.get("status") == 200, f"cut off, its own tier: {placed(reply)}")
                time.sleep(0.5)
            worst |= {state_of(view, identity) for _, view in list(watch.lines)[mark:] for identity in identities}
            mark, healed = watch.mark, time.monotonic()
            faults.heal(seer) if number % 2 == 0 else seer.mend()
            for identity in identities:
                state = state_of(watch.last, identity)
                again.append(0.0 if state == "up" and "suspect" not in worst else moment(watch, identity, ("up",), mark, healed))
    found.expect("suspect" in worst, f"others were {sorted(worst)} for who was cut off: nothing was tried")
    found.expect(worst <= {"up", "suspect"}, f"others were {sorted(worst)} for who was cut off")
    found.times("its own tier, while it was cut off", served, 2)
    found.times("healed to up, each", again, UP)
