"""More requests than a node has slots."""
import json
import pathlib
import sys
import threading
import time

from .. import follow, stack
from ..members import begin_posting, chat, each, gather, get, posted
from ..placing import placed, prose, tier_of, warm
from ..report import check

SAMPLER = pathlib.Path(__file__).parents[1] / "sampler.py"
SLOTS = 2


@check("flood", hosts=3, quick=True)
def flood(lab, found):
    """Two routers flood one node's tier: never more at llama-server than it has slots, nothing lost, the queue is seen."""
    node, *routers = lab
    # The larger model, with 150 tokens a request: a third of a second each.
    node.equip(stack.models("plan", size="small", context=8192), slots=SLOTS)
    for host in routers:
        host.equip(stack.models("code-fast"))
    gather(lab)
    warm(node, "plan")
    running = get(node, "http://127.0.0.1:10102/running")["running"]
    port = int(next(model for model in running if model["model"] == "plan")["proxy"].rpartition(":")[2])
    count = found.count(20, 30, 100)
    seen, is_over = {"queued": 0, "busy": 0}, threading.Event()
    watchers = [threading.Thread(target=watch, args=(host, node.name, seen, is_over)) for host in routers]
    with follow.Follow(node, [sys.executable, SAMPLER, port, 120], json.loads) as sampler:
        sampler.wait(lambda line: True, 10, what="a sample")
        for watcher in watchers:
            watcher.start()
        began = time.monotonic()
        floods = [begin_posting(host, [
            {"body": chat(prose(30, f"{host.name}{number}"), "plan", 150, stream=number % 2 == 0), "after": 0.02 * number}
            for number in range(count)], 120) for host in routers]
        replies = sum(each(floods, lambda process: posted(process, 180)), [])
        found.times("the flood", [time.monotonic() - began])
        is_over.set()
        samples = [line for _, line in list(sampler.lines)]
    for watcher in watchers:
        watcher.join()
    judge(found, replies, samples, seen)


def watch(host, node, seen, is_over):
    """Notes the longest queue that a router knows of."""
    while not is_over.wait(0.1):
        tier = tier_of(host, node, "plan")
        for key in seen:
            seen[key] = max(seen[key], tier.get(key, 0))


def judge(found, replies, samples, seen):
    served = [reply for reply in replies if reply.get("status") == 200 and reply["is_whole"] and not reply.get("code")]
    refused = [reply for reply in replies if reply.get("status") == 429]
    found.number("requests", len(replies))
    found.number("answered", len(served))
    found.number("refused with 429", len(refused))
    lost = [reply for reply in replies if reply not in served and reply not in refused]
    found.expect(not lost, f"{len(lost)} requests lost: {sorted({placed(reply) for reply in lost})[:4]}: {str(lost[:1])[:400]}")
    silent = [reply for reply in refused if not reply["headers"].get("retry-after", "").isdigit()]
    found.expect(not silent, f"{len(silent)} refusals without Retry-After")
    found.expect(len(served) >= 2 * SLOTS, "hardly anything was answered")
    found.number("samples of llama-server", len(samples))
    found.expect(len(samples) >= 20, "llama-server was hardly looked at")
    found.expect(all(sample["slots"] == SLOTS for sample in samples), f"llama-server has {samples[0]['slots']} slots")
    found.number("slots that worked at once, at most", max(sample["busy"] for sample in samples), limit=SLOTS)
    found.expect(max(sample["busy"] for sample in samples) == SLOTS, "the slots were never all at work")
    found.number("requests at llama-server at once, at most", max(sample["in_flight"] for sample in samples), limit=SLOTS + 1)
    found.number("longest queue that a router knew of", seen["queued"])
    found.expect(seen["queued"] > 0, f"no router ever saw a queue; busy at most {seen['busy']}")
    found.times("a request, from its start to its end", [reply["seconds"] for reply in served])
