"""Nodes killed while they serve."""
import random
import time

from .. import faults, stack
from ..faulting import (
    TIER, Revival, assemble, await_ended, await_ready, await_sent, await_up, begin_load, begin_streams, expect_all_served,
    fault_of_loss, finished, is_out_of_retries, replies, under_way)
from ..members import chat
from ..namespaces import LabError
from ..placing import placements, prose, warm
from ..report import check

# Requests of one kind in each round; the moment at which a host is killed, in seconds after they are sent, at most.
EACH, LATEST = 2, 0.4
# A prompt that takes an idle host most of a second, in tokens by estimate.
LONG_PROMPT = 1800
# With --quick engines that only take time: two processors that build beside it have none for prompts.
SLOW_TO_BEGIN, SLOW_TO_SAY = "paced:0.7:0.05", "paced:0.02:1"
# Of the seer's own: what it answers at once.
EASY, AT_ONCE = "code-fast", "paced:0:0"


@check("prefill", hosts=4, quick=True)
def prefill(lab, found):
    """A node killed while it works through prompts, streamed or not, under load: another serves them, nobody notices."""
    seer, others = assemble(lab, engine=found.count(SLOW_TO_BEGIN, None, None))
    if found.scale == "quick":
        stack.place_scripted_server(seer.home, AT_ONCE, 4)
    wanted, chance = found.count(20, 50, 200), random.Random(1)
    struck = {"streamed": 0, "plain": 0}
    rounds, began, revivals, failures, spoken, unasked = 0, time.monotonic(), {}, [], 0, 0
    struck_beside = ()
    seconds, workers = found.count(200, 600, 1700), found.count(4, 2, 2)
    bodies = [chat(prose(40, f"b{n}"), TIER, 4) for n in range(50)]
    background = begin_load(seer, bodies, workers=workers, pause=0.05, seconds=seconds)
    # Retries are bounded by the requests that there are (a fifth, and three in ten seconds), and here a host dies every other
    # second: a router with so much else to do that this is not what is tried.
    easy = begin_load(seer, [chat("hello", EASY, 1)], workers=2, pause=0.04, seconds=seconds)
    while rounds < wanted or min(struck.values()) < wanted and rounds < 2 * wanted:
        victim = others[rounds % len(others)]
        if victim in revivals:
            revivals.pop(victim).wait()
        # A request goes to two hosts at most: those that the last kill struck are over before the next.
        await_ended(background, struck_beside)
        bodies = [chat(prose(LONG_PROMPT, f"{rounds}.{n}"), TIER, 2, stream=n % 2 == 0) for n in range(2 * EACH)]
        requests = [{"body": body, "headers": {"x-llmstack-request": f"round{rounds}.{n}"}} for n, body in enumerate(bodies)]
        pids = faults.processes(victim)
        running = begin_streams(seer, requests)
        await_sent(running, len(requests))
        time.sleep(chance.uniform(0, LATEST))
        killed = faults.kill(victim, pids=pids)
        revivals[victim] = Revival(seer, victim)
        # By then the seer knows, and sends no more there.
        time.sleep(0.1)
        struck_beside = under_way(background, workers)
        lines = finished(running, 60)
        for n, reply in enumerate(replies(lines, len(requests))):
            is_streamed = bodies[n].get("stream", False)
            served = reply.is_whole if is_streamed else reply.status == 200 and not reply.is_cut and '"choices"' in reply.raw
            if served:
                continue
            # It had begun to answer, which the check `midstream` is about.
            if is_streamed and reply.first is not None and reply.first < killed + 0.05:
                spoken += 1
                continue
            if is_out_of_retries(reply.raw):
                unasked += 1
                continue
            failures.append(f"round {rounds}, {'streamed' if is_streamed else 'plain'}: {reply.status} {reply.failure} "
                            f"{reply.raw[-250:]!r}")
        rounds += 1
        if rounds % 5 == 0 or rounds >= wanted:
            time.sleep(0.3)
            struck = count_struck(seer)
    for revival in revivals.values():
        revival.wait()
    background.end()
    easy.end()
    beside, easy = ([line for _, line in list(load.lines)] for load in (background, easy))
    unasked += sum(is_out_of_retries(line.get("code")) for line in beside)
    found.number("nodes killed", rounds)
    for kind, count in struck.items():
        found.number(f"requests that were {kind} and went to another host", count)
    found.number("streams that had begun to answer", spoken)
    # With --quick told alone: where others build, the easy requests that pay for retries may be too few.
    found.number("failures that a client saw because retries were spent", unasked, limit=found.count(None, 0, 0))
    found.number("other failures that a client saw", len(failures), limit=0)
    found.expect(min(struck.values()) >= wanted / 2, f"hardly any request was struck: {struck}")
    for failure in failures[:4]:
        found.expect(False, failure)
    expect_all_served(found, [line for line in beside if not is_out_of_retries(line.get("code"))], "beside them")
    expect_all_served(found, easy, f"that the router's own {EASY} answered")
    found.times("a round", [(time.monotonic() - began) / rounds])


def count_struck(seer):
    """How many of the rounds' requests went to a second host because the first gave no reply."""
    struck = {"streamed": 0, "plain": 0}
    for row in placements(seer):
        if row["request"].startswith("round") and row["attempt"] == 2:
            struck["plain" if int(row["request"].partition(".")[2]) % 2 else "streamed"] += 1
    return struck


@check("midstream", hosts=4, quick=True)
def midstream(lab, found):
    """A node killed after the first word: its streams end with upstream_lost, the others go on; so where only llama-server dies."""
    # A server that works at several answers at once, or goes on from a cached prompt, may round otherwise, and say other words.
    seer, others = assemble(lab, slots=1, engine=found.count(SLOW_TO_SAY, None, None))
    bodies = [chat(prose(50, f"m{n}"), TIER, found.count(200, 700, 700), stream=True, temperature=0, cache_prompt=False)
              for n in range(len(others))]
    reference = [replies(finished(begin_streams(seer, [{"body": body}]), 60), 1)[0].text() for body in bodies]
    found.expect(min(map(len, reference)) > 600, "the answers are too short to be struck")
    count, chance = found.count(20, 50, 200), random.Random(2)
    strike(seer, others, bodies, reference, found, faults.STACK, count, "its router and stack", chance)
    strike(seer, others, bodies, reference, found, ("llmstack",), max(2, count // 10), "its router", chance)
    strike(seer, others, bodies, reference, found, ("llama-swap",), max(2, count // 10), "llama-swap", chance)
    strike(seer, others, bodies, reference, found, ("llama-server",), max(4, count // 5), "llama-server", chance)
    if found.scale == "quick":
        for host in others:
            stack.place_scripted_server(host.home, SLOW_TO_BEGIN)
            faults.kill(host, ("llama-server",))
            warm(host, TIER)
            await_ready(seer, host)
    server_before_the_first_word(seer, others, found, max(4, count // 5), chance)
    half_events(seer, others[0], others[1:], found, max(3, count // 10))


def strike(seer, others, bodies, reference, found, kinds, count, what, chance):
    """Kills a part of a host that serves a stream, again and again, once all have begun."""
    lost, rounds, faults_seen, bystanders = 0, 0, [], 0
    while lost < count and rounds < 3 * count:
        rounds += 1
        running = begin_streams(seer, [{"body": body} for body in bodies])
        begun = {}
        while len(begun) < len(bodies):
            _, line = running.wait(lambda line: line["what"] in ("first", "end") and line["index"] not in begun, 30,
                                   what="a first word")
            begun[line["index"]] = line
        nodes = {line["index"]: line["node"] for _, line in list(running.lines) if line["what"] == "head"}
        # The one that began last: others may be done.
        victim = next(host for host in others if host.name == nodes[max(begun, key=lambda index: begun[index]["t"])])
        time.sleep(chance.uniform(0, 0.15))
        faults.kill(victim, kinds)
        revival = Revival(seer, victim)
        for index, reply in enumerate(replies(finished(running, 60), len(bodies))):
            if reply.node != victim.name:
                bystanders += 1
                ok = reply.is_whole and reply.text() == reference[index]
                faults_seen += [] if ok else [
                    f"a stream of {reply.node}, while {victim.name} was struck: {reply.raw[-200:]!r} {reply.failure}"]
            elif reply.raw.endswith("data: [DONE]\n\n") and not reply.is_cut and reply.text() == reference[index]:
                # It was done by then.
                pass
            else:
                lost += 1
                fault = fault_of_loss(reply, reference[index])
                faults_seen += [fault] if fault else []
        revival.wait()
    found.number(f"streams lost with {what}", lost)
    found.number(f"of these, and of {bystanders} of other hosts meanwhile, not as agreed", len(faults_seen), limit=0)
    found.expect(lost >= count, f"only {lost} streams were struck by the end of {what}")
    for fault in faults_seen[:3]:
        found.expect(False, f"{what}: {fault}")


def server_before_the_first_word(seer, others, found, count, chance):
    """llama-server killed in prefill under a llama-swap that lives: another host serves."""
    failures, struck = [], 0
    # For retries, as in the check `prefill`.
    easy = begin_load(seer, [chat("hello", EASY, 1)], workers=2, pause=0.04, seconds=600)
    for number in range(3 * count):
        before = len(placements(seer))
        victim = others[number % len(others)]
        requests = [{"body": chat(prose(LONG_PROMPT, f"s{number}.{n}"), TIER, 2, stream=n % 2 == 0)} for n in range(6)]
        pids = faults.processes(victim, ("llama-server",))
        running = begin_streams(seer, requests)
        await_sent(running, len(requests))
        time.sleep(chance.uniform(0, 0.3))
        faults.kill(victim, pids=pids)
        for n, reply in enumerate(replies(finished(running, 60), len(requests))):
            served = reply.is_whole if n % 2 == 0 else reply.status == 200 and '"choices"' in reply.raw
            if not served and not (n % 2 == 0 and reply.first):
                failures.append(f"{reply.status} {reply.failure} {reply.raw[-250:]!r}")
        warm(victim, TIER)
        await_ready(seer, victim)
        time.sleep(0.2)
        struck += sum(row["attempt"] == 2 for row in placements(seer)[before:])
        if struck >= count:
            break
    easy.end()
    found.number("requests that llama-server's end in prefill sent to another host", struck)
    found.number("failures that a client saw of that", len(failures), limit=0)
    found.expect(struck >= count, f"only {struck} requests were struck in prefill by the end of llama-server")
    for failure in failures[:3]:
        found.expect(False, f"llama-server in prefill: {failure}")


def half_events(seer, host, others, found, count):
    """A server that says half an event and no more, killed then: the client gets no part of it."""
    for other in others:
        faults.kill(other)
    host.stop()
    stack.place_scripted_server(host.home, "half")
    faults_seen, told = [], 0
    for number in range(count):
        for kinds in (faults.STACK, ("llama-server",), ("llmstack",)):
            host.start()
            await_up(seer, host)
            running = begin_streams(seer, [{"body": chat(f"half {number}", TIER, 9, stream=True)}])
            running.wait(lambda line: line["what"] in ("first", "end"), 20, what="a first word")
            # By then its half event has come, too.
            time.sleep(0.1)
            faults.kill(host, kinds)
            reply = replies(finished(running, 30), 1)[0]
            fault = fault_of_loss(reply, "one two three ")
            told += fault is None
            faults_seen += [f"{kinds[0]}: {fault}"] if fault else []
            faults_seen += [f"{kinds[0]}: a part of an event: {reply.raw[-200:]!r}"] if "half" in reply.raw else []
    found.number("streams lost in the midst of an event and told so", told)
    for fault in faults_seen[:4]:
        found.expect(False, f"in the midst of an event: {fault}")
    if not told:
        raise LabError("no stream was lost in the midst of an event")
