"""Clients that leave."""
import json
import pathlib
import sys
import time

from .. import follow
from ..faulting import TIER, assemble, begin_streams, finished, replies
from ..members import chat, cluster_url, get
from ..namespaces import LabError
from ..placing import placements, prose
from ..report import check

SLOTS = pathlib.Path(__file__).parents[1] / "slots.py"
LIMIT = 0.25


@check("cancel", hosts=2, quick=True)
def cancel(lab, found):
    """A client gone, two hops away: the node counts its request no more, and llama-server's slot is free."""
    seer, (node,) = assemble(lab)
    running = get(node, "http://127.0.0.1:10102/running")["running"]
    port = int(next(model for model in running if model["model"] == TIER)["proxy"].rpartition(":")[2])
    with follow.events(seer, cluster_url(node, "/llmstack/v1/events")) as agent, \
            follow.Follow(node, [sys.executable, SLOTS, port], json.loads) as slots:
        for what, request in {
            "in the midst of an answer": {"body": chat(prose(50, "c"), TIER, 3000, stream=True), "leaves": 0.1},
            "in prefill": {"body": chat(prose(3500, "c"), TIER, 50, stream=True, cache_prompt=False), "gone_after": 0.2},
            "in prefill, not streaming": {"body": chat(prose(3500, "c"), TIER, 50, cache_prompt=False), "gone_after": 0.2},
        }.items():
            counts, frees = [], []
            for number in range(found.count(20, 20, 100) if "leaves" in request else found.count(3, 10, 50)):
                agent_mark, slots_mark = agent.mark, slots.mark
                # It stays until it has been counted: the node tells its subscribers what is so when they take it, and says
                # nothing of a request that came and went meanwhile.
                word = seer.home / f"tmp/leave-{'-'.join(what.split())}-{number}"
                client = begin_streams(seer, [request | {"gone_at": str(word)}])
                try:
                    agent.wait(lambda event: busy(event) == 1, 10, agent_mark, "the node to count the request")
                    slots.wait(lambda line: line["busy"] == 1, 10, slots_mark, "a slot to work")
                    word.touch()
                    left = replies(finished(client, 30), 1)[0].left
                    if left is None:
                        raise LabError(f"the client did not leave: {client.last}")
                    counts.append(seconds(agent, lambda event: busy(event) == 0, agent_mark, left))
                    frees.append(seconds(slots, lambda line: line["busy"] == 0, slots_mark, left))
                except LabError as problem:
                    client.end()
                    found.expect(False, f"{what}: {problem}; the client said {client.last}; the last in the ledger "
                                        f"{[(row['name'], row['status'], row['outcome']) for row in placements(seer)[-2:]]}")
                    break
                time.sleep(0.05)
            found.times(f"client gone {what} to counted no more", counts, LIMIT)
            # llama-server itself looks once a second whether who asked is still there, and once a batch of a prompt.
            found.times(f"client gone {what} to a free slot", frees, LIMIT if "leaves" in request else None)


def busy(event):
    """How many requests the tier has in hand by an event of the node's stream; None where it says nothing of that."""
    if event["event"] not in ("state", "change") or not isinstance(event["data"], dict):
        return None
    return next((tier.get("busy", 0) for tier in event["data"].get("tiers") or [] if tier["name"] == TIER), None)


def seconds(followed, condition, mark, began):
    """Seconds until a line after the beginning meets a condition; None where none does."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with followed.changed:
            hit = next((at for at, line in followed.lines[mark:] if at >= began and condition(line)), None)
            # It had ended before this side noticed that it left.
            if hit is not None:
                return max(0.0, hit - began)
        time.sleep(0.01)
    return None
