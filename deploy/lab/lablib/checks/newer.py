"""Nodes of a newer llmstack."""
import time

from ..members import describe, gather, nodes
from ..report import check
from .strangers import asked, brief, expect_state, fake


@check("newer", hosts=2)
def newer(lab, found):
    """A node with unknown fields is used; one of another major version is shown as incompatible and left alone."""
    one, two = lab
    gather([one])
    cluster = describe(one)["cluster"]

    for what, identity in (("fields", "fakenode00000011"), ("values", "fakenode00000012")):
        with fake(two, "--cluster", cluster, "--id", identity, "--unknown", what, "--name", "newer") as running:
            if expect_state(found, one, identity, "up", 6, f"unknown {what}"):
                row = next(row for row in nodes(one)["nodes"] if row["id"] == identity)
                tiers = [tier["name"] for tier in row["tiers"] if tier["state"] == "ready"]
                found.expect(tiers == ["code-smart", "plan"], f"unknown {what}: its ready tiers are {tiers}")
                # Long enough for the odd events of its stream.
                time.sleep(3)
                expect_state(found, one, identity, "up", 1, f"unknown {what}, after unknown events")
                streams = len(asked(running, "/llmstack/v1/events"))
                found.number(f"connections to its events stream, unknown {what}", streams, limit=1)
        expect_state(found, one, identity, "down", 8, f"the fake node with unknown {what} was killed")

    with fake(two, "--cluster", cluster, "--id", "fakenode00000013", "--advertised-version", "2", "--protocol", "2") as running:
        expect_state(found, one, "fakenode00000013", "incompatible", 6, "v=2 in TXT")
        time.sleep(3)
        # Who looks for the node that was at this address before may ask who is there now; no more than that.
        found.number("connections to the events stream of a node of v=2", len(asked(running, "/llmstack/v1/events")), limit=0)
        shown = one.llmstack("nodes", check=False).stdout
        found.expect("incompatible" in shown, f"`llmstack nodes` does not say incompatible: {shown[:300]}")
    with fake(two, "--cluster", cluster, "--id", "fakenode00000014", "--protocol", "2") as running:
        # TXT is a hint; the description counts.
        expect_state(found, one, "fakenode00000014", "incompatible", 6, "v=1 in TXT, protocol 2 in the description")
    found.expect(not [row for row in nodes(one)["nodes"] if row["state"] == "up" and not row["self"]],
                 f"still up: {brief(nodes(one)['nodes'])}")
