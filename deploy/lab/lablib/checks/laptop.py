"""Laptops without a stack."""
from .. import follow
from ..laptop import Laptop, follows_from
from ..members import gather
from ..namespaces import wait_for
from ..report import check


@check("laptop", hosts=3, quick=True)
def laptop(lab, found):
    """`install --external auto` on a host without a stack; the router's address changes; two clusters; none."""
    one, two, last = lab
    client = Laptop(last)
    gather([one])
    durations = []
    for _ in range(found.count(1, 3, 10)):
        code, said, seconds = client.llmstack("install", "--external", "auto")
        durations.append(seconds)
        found.expect(code == 0, f"install --external auto: exit {code}: {said[-400:]}")
    found.times("`install --external auto`", durations, 4)
    if code == 0:
        found.expect(one.addresses()[0] in client.base, f"opencode.json has {client.base}, the router is at {one.addresses()}")
        client.answers(found, "after install")
        moves(lab, found, client)
    two_clusters(lab, found)
    none(lab, found)


def moves(lab, found, client):
    """The desktop gets another address."""
    one = lab[1]
    old = client.base
    one.set_address(f"10.77.0.{101 if '.101:' not in old else 102}")
    new = one.addresses()[0]
    wait_for(lambda: [e for e in follow.browse_once(client.host) if e["address"] == new], 15, "the new address in mDNS")
    code, said, seconds = client.llmstack("start", "--detach")
    found.expect(code == 0, f"start after the address changed: exit {code}: {said[-400:]}")
    found.times("`start` after the address changed", [seconds], 6)
    if found.expect(new in client.base, f"start left {client.base} in opencode.json; the router is at {new}"):
        client.answers(found, "after start repaired it")
    if found.scale == "quick":
        return
    # What a wired shell has: the marker's own address counts as its name.
    one.set_address("10.77.0.103")
    wait_for(lambda: [e for e in follow.browse_once(client.host) if e["address"] == "10.77.0.103"], 15, "the next address")
    code, said, _ = client.llmstack("start", "--detach", environment={"LLMSTACK_REMOTE_URL": client.base.removesuffix("/v1")})
    found.expect(code == 0 and "10.77.0.103" in client.base,
                 f"start in a wired shell after the address changed: exit {code}, {client.base}: {said[-300:]}")


def two_clusters(lab, found):
    one, two, last = lab
    gather([two], "annex")
    follows_from(lab, found, [one, two])
    client = Laptop(last)
    code, said, _ = client.llmstack("install", "--external", "auto")
    found.expect(code == 2, f"two clusters: exit {code}, not 2: {said[-300:]}")
    found.expect("team" in said and "annex" in said, f"two clusters: not both are listed: {said[-400:]}")
    for name, host in (("annex", two), ("team", one)):
        code, said, _ = client.llmstack("install", "--external", name)
        found.expect(code == 0 and host.addresses()[0] in client.base,
                     f"--external {name}: exit {code}: {said[-300:]}")
    code, said, _ = client.llmstack("install", "--external", "nobody-here")
    found.expect(code not in (0, 2) and "nobody-here" in said, f"--external of nobody: exit {code}: {said[-300:]}")


def none(lab, found):
    one, two, last = lab
    for host in (one, two):
        host.stop()
    wait_for(lambda: not follow.browse_once(last), 15, "no records")
    client = Laptop(last)
    code, said, seconds = client.llmstack("install", "--external", "auto")
    found.expect(code == 1, f"no router: exit {code}, not 1")
    found.times("`install --external auto` with nobody there", [seconds], 6)
    for word in ("eth0", "5353"):
        found.expect(word in said, f"no router: the message has no \"{word}\": {said[-500:]}")
    found.expect("--external http" in said, f"no router: the message does not say how to name a host: {said[-500:]}")


@check("nearest", hosts=4)
def nearest(lab, found):
    """Several routers of one cluster: `start` takes the next one when the first dies."""
    *routers, last = lab
    gather(routers)
    follows_from(lab, found, routers)
    client = Laptop(last)
    code, said, _ = client.llmstack("install", "--external", "auto")
    found.expect(code == 0, f"one cluster of three: exit {code}: {said[-400:]}")
    for _ in range(2):
        base = client.base
        serving = next((host for host in routers if host.addresses()[0] in base), None)
        if not found.expect(serving, f"{base} is no router's"):
            return
        serving.kill("all")
        routers = [host for host in routers if host is not serving]
        code, said, seconds = client.llmstack("start", "--detach")
        found.expect(code == 0, f"start after {serving.name} died: exit {code}: {said[-400:]}")
        found.times("`start` after the router died", [seconds], 8)
        if not found.expect(client.base != base, f"start left {base}, which is dead"):
            return
        client.answers(found, f"after {serving.name} died")
