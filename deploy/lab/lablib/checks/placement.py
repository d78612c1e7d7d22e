"""Where requests go: by tier, as hosts leave and come back, and after a router's restart."""
import time

from .. import stack
from ..laptop import Laptop, follows_from
from ..members import LOOPBACK, await_all, chat, describe, each, gather, nodes, post, state_of
from ..namespaces import LabError, wait_for
from ..placing import FOUR, LONG_WORDS, await_tier, expect_sums, explain, placed, prose, reason, warm
from ..report import check

CHAT = "/v1/chat/completions"
# The document's four, on a desktop with code-smart and plan beside a laptop with code-fast.
EXPECTED = ("code-smart@h1", "plan@h1", "code-smart@h1", "503 no_node_available")


@check("requests", hosts=3, quick=True)
def requests(lab, found):
    """A desktop, a laptop and a thin client: four requests from each, a long one, the desktop away and back."""
    desktop, laptop, thin = lab
    desktop.equip(stack.models("code-smart", "plan", context=8192))
    laptop.equip(stack.models("code-fast", context=32768))
    gather([desktop, laptop])
    client = Laptop(thin)
    follows_from(lab, found, [desktop, laptop])
    code, said, _ = client.llmstack("install", "--external", "auto")
    found.expect(code == 0, f"install --external auto: exit {code}: {said[-300:]}")
    ways = {"h1": (desktop, LOOPBACK), "h2": (laptop, LOOPBACK), "the thin client": (thin, client.base.removesuffix("/v1"))}
    for way, (host, base) in ways.items():
        for (text, _), expected in zip(FOUR, EXPECTED):
            reply = post(host, chat(text), base + CHAT)
            found.expect(placed(reply) == expected, f"{text.splitlines()[0][:40]!r} through {way}: {placed(reply)}, not {expected} "
                         f"({reason(reply) or reply.get('text')})")
            if reply.get("status") == 200:
                found.expect(reply.get("model") == expected.split("@")[0] and reason(reply), f"through {way}: {reply}"[:300])
            else:
                found.expect("retry-after" in (reply.get("headers") or {}), f"through {way}: a 503 without Retry-After")
    long_request(laptop, found)
    away_and_back(desktop, laptop, found)


def long_request(laptop, found):
    """Over 32,000 tokens by estimate, and within the window of code-fast: it stays on the laptop."""
    body = chat(" ".join(LONG_WORDS * 2000)[:4 * 32300])
    expect_sums(found, explain(laptop, body), "long")
    reply = post(laptop, body)
    found.expect(placed(reply) == "code-fast@h2", f"32,300 tokens: {placed(reply)} ({reason(reply) or reply.get('text')})")
    found.times("32,300 tokens by estimate", [reply["seconds"]])


def away_and_back(desktop, laptop, found):
    identity = describe(desktop)["id"]
    before = explain(laptop, chat("capital of France?"))
    desktop.stop()
    wait_for(lambda: state_of(nodes(laptop), identity) != "up", 5, "h2 to see h1 leave")
    reply = post(laptop, chat("capital of France?"))
    found.expect(placed(reply) == "code-fast@h2", f"without the desktop: {placed(reply)} ({reply.get('text')})")
    found.expect("code-smart" in reason(reply) and reason(reply) != before["reason"],
                 f"without the desktop the reason does not say why: {reason(reply)!r}, before {before['reason']!r}")
    found.figures.append({"what": "the reason", "value": reason(reply), "unit": "", "limit": None})
    named = post(laptop, chat("hello", "plan"))
    found.expect(placed(named) == "503 no_node_available", f"plan without the desktop: {placed(named)}")
    found.expect((named.get("headers") or {}).get("retry-after", "").isdigit(), "plan without the desktop: no Retry-After")
    desktop.start()
    began = time.monotonic()
    while (answer := placed(post(laptop, chat("capital of France?")))) != "code-smart@h1":
        if time.monotonic() - began > 15:
            found.expect(False, f"the desktop came back, and requests still go to {answer}")
            return
        time.sleep(0.05)
    found.times("the desktop's router answers to placed there again", [time.monotonic() - began], 5)


@check("restart", hosts=3, quick=True)
def restart(lab, found):
    """A router restarted: it knows the same nodes, and places as before after one round of pings."""
    one, two, seer = lab
    one.equip(stack.models("plan", size="small", context=8192))
    two.equip(stack.models("plan", context=8192))
    seer.equip(stack.models("code-fast"))
    gather(lab)
    each([one, two], lambda host: warm(host, "plan"))
    for host in (one, two):
        await_tier(seer, host.name, "plan", lambda tier: tier.get("state") == "ready", "ready")
    for number in range(4):
        post(seer, chat(prose(400 + number * 200, 500 + number), "plan", 16))
    body = chat(prose(2000, 7), "plan", 64)
    before, known = explain(seer, body), {node["id"]: node["state"] for node in nodes(seer)["nodes"]}
    for number in range(found.count(1, 2, 5)):
        # The ledger is written in the background.
        time.sleep(1.5)
        old = seer.router()
        seer.signal([old], 15)
        wait_for(lambda: seer.router() != old, 15, "the router's end")
        seer.start()
        began = time.monotonic()
        again = None
        while time.monotonic() - began < 10:
            try:
                again = {node["id"]: node["state"] for node in nodes(seer)["nodes"]}
            except LabError:
                again = None
            if again == known:
                break
            time.sleep(0.02)
        found.times("the router answers to the same nodes up", [time.monotonic() - began if again == known else None], 1.5)
        after = explain(seer, body)
        expect_sums(found, after, "after the restart")
        found.expect(after.get("node") == before.get("node"), f"before the restart {before['node']}, after it {after['node']}: "
                     f"{[(entry['node'], entry['total_s']) for entry in (*before['hosts'], *after['hosts'])]}")
        totals = {entry["node"]: entry["total_s"] for entry in before["hosts"]}
        for entry in after["hosts"]:
            ratio = entry["total_s"] / max(totals.get(entry["node"], 0), 0.001)
            found.expect(0.5 < ratio < 2, f"{entry['node']} was to take {totals.get(entry['node'])} s, after the restart "
                         f"{entry['total_s']} s: what was learned is forgotten")
    await_all(list(lab))
