"""How fast a node is seen to come, change and go."""
import json
import time

from .. import follow, namespaces
from ..members import await_all, cluster_url, describe, gather, share, state_of
from ..namespaces import LabError
from ..report import check


def comes_and_goes(lab, found):
    hosts = list(lab)
    mover, others = hosts[-1], hosts[:-1]
    gather(hosts)
    identity = describe(mover)["id"]
    watches = [follow.watch(host) for host in others]
    for watch in watches:
        watch.wait(lambda view: state_of(view, identity) == "up", 10, what=f"{mover.name} up")
    gone, seen, again, commands, announced = [], [], [], [], []
    browser = follow.browse(others[0])
    for number in range(found.count(2, 10, 40)):
        marks = [watch.mark for watch in watches]
        began = time.monotonic()
        mover.stop()
        for watch, mark in zip(watches, marks):
            gone.append(moment(watch, lambda view: state_of(view, identity) in ("gone", "down"), mark, began, found))
        # A record that is taken back stays in caches for a second. Started anew within it, a node is no news to mDNS.
        is_quick = number % 2 == 1
        time.sleep(0 if is_quick else 2.5)
        marks, record = [watch.mark for watch in watches], browser.mark
        began = time.monotonic()
        mover.start()
        started = namespaces.started_at(mover.router())
        rounds = [moment(watch, lambda view: state_of(view, identity) == "up", mark, started, found)
                  for watch, mark in zip(watches, marks)]
        (again if is_quick else seen).append(None if None in rounds else max(rounds))
        if not is_quick:
            announced.append(moment(
                browser, lambda entry: entry.get("txt", {}).get("id") == identity, record, started, found))
        commands.append(None if None in rounds else max(rounds) + started - began)
    browser.end()
    found.times("router's start to its record resolved by avahi-browse", announced)
    found.times("router's start to seen by all", seen, 1.5)
    found.times("router's start to seen by all, at once after its stop", again, 1.5)
    found.times("`llmstack start` to seen by all", commands, 6)
    found.times("`llmstack stop` to gone, each", gone, 1.5)
    for watch in watches:
        watch.end()
    await_all(hosts)


def moment(watch, condition, mark, began, found):
    try:
        return watch.wait(condition, 10, mark)[0] - began
    except LabError as problem:
        found.faults[:] = [*found.faults, str(problem)][:6]
        return None


@check("latency", hosts=4, quick=True)
def latency(lab, found):
    """Four hosts over IPv4: start to seen, stop to gone, a tier's change, a TXT record's change."""
    comes_and_goes(lab, found)
    tier_changes(lab, found)
    txt_changes(lab, found)


@check("latency6", hosts=4, network={"ipv4": False, "ipv6": True})
def latency6(lab, found):
    """The same over IPv6 alone."""
    comes_and_goes(lab, found)
    tier_changes(lab, found)
    txt_changes(lab, found)


# llama-swap's words for the states of a model, and ours.
WORDS = {"starting": "loading", "ready": "ready", "stopping": "stopping", "stopped": "stopped", "shutdown": "stopped"}


def swap_changes(stream):
    """(moment, tier, state) of each change that llama-swap tells of."""
    known, changes = {}, []
    for _, event in list(stream.lines):
        data = event["data"]
        if not isinstance(data, dict) or data.get("type") != "modelStatus":
            continue
        models = data["data"]
        for model in json.loads(models) if isinstance(models, str) else models:
            state = WORDS.get(model.get("state"), model.get("state"))
            if known.get(model["id"], state) != state:
                changes.append((event["t"], model["id"], state))
            known[model["id"]] = state
    return changes


def node_changes(stream):
    """(moment, tier, state) of each change on an events stream."""
    known, changes = {}, []
    for _, event in list(stream.lines):
        if event["event"] not in ("state", "change") or not isinstance(event["data"], dict):
            continue
        for tier in event["data"].get("tiers") or []:
            if known.get(tier["name"], tier["state"]) != tier["state"]:
                changes.append((event["t"], tier["name"], tier["state"]))
            known[tier["name"]] = tier["state"]
    return changes


def tier_changes(lab, found):
    host, other = lab[1], lab[2]
    swap = follow.events(host, "http://127.0.0.1:10102/api/events")
    near = follow.events(host, "http://127.0.0.1:10101/llmstack/v1/events")
    far = follow.events(other, cluster_url(host, "/llmstack/v1/events"))
    far.wait(lambda event: event["event"] == "state", 10, what="the first state")
    swap.wait(lambda event: True, 10, what="llama-swap's first event")
    post = "import sys, urllib.request; urllib.request.urlopen(urllib.request.Request(sys.argv[1], sys.argv[2].encode(), " \
        "{'Content-Type': 'application/json'}), timeout=60).read()"
    for number in range(found.count(2, 6, 30)):
        # Two heavy tiers that are never in memory together.
        body = json.dumps({"model": ("plan", "code-smart")[number % 2], "max_tokens": 1,
                           "messages": [{"role": "user", "content": "x"}]})
        host.run("python3", "-c", post, "http://127.0.0.1:10101/v1/chat/completions", body)
    # Pings come once a second.
    time.sleep(4)
    pings = [event["t"] for _, event in list(far.lines) if event["event"] == "ping"]
    truth = swap_changes(swap)
    found.number("tier changes watched", len(truth))
    found.expect(len(truth) >= 4, "llama-swap told of fewer than 4 changes")
    for what, stream in (("on another host", far), ("on the host itself", near)):
        seen, delays = node_changes(stream), []
        for at, tier, state in truth:
            # The same change; the stream may have heard of it before the one that we call the truth.
            match = next((index for index, (when, *which) in enumerate(seen) if which == [tier, state] and when > at - 0.2), None)
            delays.append(None if match is None else max(0.0, seen.pop(match)[0] - at))
        found.times(f"a tier's change to the events stream {what}", delays, 0.1)
    gaps = [later - earlier for earlier, later in zip(pings, pings[1:])]
    if found.expect(gaps, "fewer than two pings"):
        found.times("between pings", gaps, 1.5)
    # Nobody asked for these: watching must not load a model.
    expected = {"code-fast", "plan", "code-smart"}
    found.expect({tier for _, tier, _ in truth} <= expected, f"models that nobody asked for: {truth}")
    for stream in (swap, near, far):
        stream.end()


def txt_changes(lab, found):
    host, others = lab[1], list(lab)[1:]
    identity = describe(host)["id"]
    browsers = [follow.browse_repeatedly(other) for other in others]
    watches = [follow.watch(other) for other in others]
    for browser in browsers:
        browser.wait(lambda entry: entry.get("txt", {}).get("id") == identity, 10, what="the record")
    for watch in watches:
        watch.wait(lambda view: state_of(view, identity) == "up", 10, what="the node")
    records, views = [], []
    for number in range(found.count(2, 6, 20)):
        tiers = ("plan", "heavy")[number % 2]
        expected = {"plan": ["plan"], "heavy": ["code-smart", "plan"]}[tiers]
        marks = [(browser.mark, watch.mark) for browser, watch in zip(browsers, watches)]
        began = time.monotonic()
        share(host, tiers)

        def in_record(entry):
            txt = entry.get("txt", {})
            return txt.get("id") == identity and txt.get("tiers", "").split(",") == expected

        def in_view(view):
            node = next((node for node in view["nodes"] if node["id"] == identity), {"tiers": []})
            return sorted(tier["name"] for tier in node["tiers"] if tier["shared"]) == expected

        for browser, watch, (record_mark, view_mark) in zip(browsers, watches, marks):
            records.append(moment(browser, in_record, record_mark, began, found))
            views.append(moment(watch, in_view, view_mark, began, found))
    found.times("`share` changed to TXT on another host", records, 3)
    found.times("`share` changed to `nodes` on another host", views, 1)
    for stream in (*browsers, *watches):
        stream.end()
