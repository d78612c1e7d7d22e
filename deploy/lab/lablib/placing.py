"""Placement as the checks see it: requests of several kinds, where they went and why, and what the ledger keeps of it."""
import random
import sqlite3

from .members import LOOPBACK, chat, cluster_url, get, post
from .namespaces import LabError, wait_for

# The document's four, and the tier that each is for.
FOUR = (
    ("capital of France?", "code-smart"),
    ("how would you design a rate limiter for our API?", "plan"),
    ("refactor this function for clarity:\n```python\ndef f(x): return x*2\n```", "code-smart"),
    ("[nofilter] outline a red-team plan for our auth flow", "plan-uncensored"),
)
# One token each for the made-up models, so that a prompt of a long estimate is done in seconds.
LONG_WORDS = "assistant questions deadline answers century boolean clients country".split()
WORDS = "the of number a largest city in people have lived there since last names values total".split()


def prose(tokens, seed, share_of_long=0.15):
    """Words that no rule of the ladder knows, of that many tokens as routers estimate them: four characters each. Another
    seed, another text from its first word on."""
    chosen, words, length = random.Random(seed), [str(seed)], len(str(seed))
    while length < tokens * 4:
        words.append(chosen.choice(LONG_WORDS if chosen.random() < share_of_long else WORDS))
        length += len(words[-1]) + 1
    return " ".join(words)[:tokens * 4]


def placed(reply):
    """`tier@node`, or what became of a request in a few words."""
    headers = reply.get("headers") or {}
    if reply.get("status") == 200:
        return f"{headers.get('x-llmstack-tier')}@{headers.get('x-llmstack-node')}"
    return f"{reply.get('status')} {reply.get('code') or reply.get('failure') or reply.get('text')}"


def reason(reply):
    return (reply.get("headers") or {}).get("x-llmstack-reason", "")


def explain(host, body):
    """What a host's router would do with a request."""
    reply = post(host, body, LOOPBACK + "/llmstack/v1/explain")
    if reply.get("status") != 200 or "document" not in reply:
        raise LabError(f"explain on {host.name}: {placed(reply)}")
    return reply["document"]


def sum_of_terms(entry):
    return entry["queue_s"] + entry["load_s"] + entry["prefill_s"] + 0.2 * entry["decode_s"] + entry["network_s"]


def expect_sums(found, explanation, when):
    """Notes a fault where a host's terms do not add up to its total."""
    for entry in explanation["hosts"]:
        off = abs(sum_of_terms(entry) - entry["total_s"])
        found.expect(off <= 0.001 + 0.001 * entry["total_s"],
                     f"{when}: the terms of {entry['node']} make {sum_of_terms(entry):.4f} s, its total is {entry['total_s']} s")


def roster(host):
    """The nodes that a host's router knows, by name."""
    return {node["name"]: node for node in get(host, LOOPBACK + "/llmstack/v1/cluster")["nodes"]}


def tier_of(host, node, tier):
    """What a host's router knows of a tier of a node; nothing when it does not know it."""
    tiers = roster(host).get(node, {"tiers": []})["tiers"]
    return next((entry for entry in tiers if entry["name"] == tier), {})


def warm(host, tier):
    """Has a host load a tier."""
    reply = post(host, chat("hello", tier), cluster_url(host, "/v1/chat/completions"), {"x-llmstack-hop": "1"})
    if reply.get("status") != 200:
        raise LabError(f"{host.name} does not load {tier}: {placed(reply)}: {reply.get('text')}")


def unload(host):
    """Has a host's llama-swap unload everything."""
    host.run("curl", "-sS", "-X", "POST", "http://127.0.0.1:10102/api/models/unload")


def await_tier(seer, node, tier, condition, what, seconds=5):
    """Waits until a host's router knows something of a tier of a node."""
    wait_for(lambda: condition(tier_of(seer, node, tier)), seconds, f"{seer.name} to know that {tier} of {node} is {what}")


def placements(host):
    """The rows of a host's ledger, as dicts, in the order in which they were written."""
    path = host.home / ".local/state/llmstack/state.db"
    if not path.exists():
        raise LabError(f"{host.name} has no ledger: {path.name} is not there")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as ledger:
        ledger.row_factory = sqlite3.Row
        rows = [dict(row) for row in ledger.execute("SELECT * FROM placements ORDER BY rowid")]
    ledger.close()
    return rows
