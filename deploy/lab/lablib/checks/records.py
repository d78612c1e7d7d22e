"""What a node advertises."""
from .. import follow
from ..members import describe, each, gather, share
from ..namespaces import LabError, wait_for
from ..report import check

SERVICE = "_llmstack._tcp"


def compare(found, host, other, moment):
    """Whether what another host browses is what a node's own description says."""
    node = describe(host)
    shared = [tier["name"] for tier in node["tiers"] if tier["shared"]]
    found.expect(sorted(shared) == sorted(node["policy"]["share"]), f"{moment}: policy.share is {node['policy']['share']}")

    def entry(service):
        return next((e for e in follow.browse_once(other, service) if e["txt"].get("id") == node["id"]), None)

    try:
        wait_for(lambda: (seen := entry(SERVICE)) and seen["txt"].get("tiers", "").split(",") == shared, 6,
                 f"{moment}: {','.join(shared)} in {SERVICE} as {other.name} sees it")
    except LabError as problem:
        found.expect(False, f"{problem}; seen: {entry(SERVICE)}")
        return node
    seen = entry(SERVICE)
    expected = {"v": "1", "cid": node["cluster"], "id": node["id"], "name": node["cluster_name"]}
    for key, value in expected.items():
        found.expect(seen["txt"].get(key) == value, f"{moment}: TXT {key}={seen['txt'].get(key)}, the node says {value}")
    found.expect(seen["txt"].get("gen", "").isdigit(), f"{moment}: TXT gen={seen['txt'].get('gen')}")
    size = sum(len(f"{key}={value}") + 1 for key, value in seen["txt"].items())
    found.number(f"bytes of TXT, {moment}", size, limit=255)
    found.expect(seen["port"] == 10103, f"{moment}: port {seen['port']}")
    found.expect(seen["name"] == node["name"], f"{moment}: instance \"{seen['name']}\", the node's name is \"{node['name']}\"")
    found.expect(seen["address"] in host.addresses(), f"{moment}: address {seen['address']}, {host.name} has {host.addresses()}")
    def subtype_fault(tier):
        subtype = f"_{tier['name']}._sub.{SERVICE}"
        try:
            # What is taken back stays in caches for a second.
            wait_for(lambda: (entry(subtype) is not None) == (tier["name"] in shared), 4, "")
        except LabError:
            return f"{moment}: {subtype} is {'not ' if tier['name'] in shared else ''}seen, 4 s after TXT changed"

    found.faults += filter(None, each(node["tiers"], subtype_fault))
    return node


@check("records", hosts=2, quick=True)
def records(lab, found):
    """avahi-browse on another host shows what a node says of itself, before and after `share` changes."""
    host, other = lab[1], lab[2]
    gather([host, other])
    first = compare(found, host, other, "share = heavy")
    found.expect(first["policy"]["share"] == ["code-smart", "plan"], f"the default shares {first['policy']['share']}")
    generation = int(follow_generation(other, first["id"]))
    settings = [("all", ["code-fast", "code-smart", "plan"]), ("plan", ["plan"]), ("none", [])]
    for setting, expected in settings[found.count(1, 0, 0):]:
        share(host, setting)
        try:
            wait_for(lambda: sorted(describe(host)["policy"]["share"]) == expected, 5, f"share = {setting} in the description")
        except LabError as problem:
            found.expect(False, str(problem))
            continue
        if expected:
            compare(found, host, other, f"share = {setting}")
    share(host, "heavy")
    compare(found, host, other, "share = heavy again")
    found.expect(int(follow_generation(other, first["id"])) > generation, "gen did not grow with the changes")


def follow_generation(other, identity):
    return next((e["txt"].get("gen", "-1") for e in follow.browse_once(other) if e["txt"].get("id") == identity), "-1")
