"""Records that mean something else than they seem to."""
import json
import pathlib
import time

from .. import follow
from ..members import await_all, cluster_url, describe, gather, get, nodes, state_of, up
from ..namespaces import LabError, wait_for
from ..report import check

FAKE = pathlib.Path(__file__).parents[2] / "fake-node"


def fake(host, *arguments):
    """Starts a fake node in a host and follows the requests that it gets."""
    running = follow.Follow(host, [FAKE, *arguments], json.loads)
    running.wait(lambda line: line.get("ready"), 15, what="the fake node")
    return running


def asked(running, path):
    return [line for _, line in list(running.lines) if line.get("path", "").startswith(path)]


@check("names", hosts=4)
def names(lab, found):
    """32 sightings of one name from several hosts: the node is one, and the right one."""
    hosts = list(lab)
    members, others = hosts[:2], hosts[2:]
    gather(members)
    node = describe(members[1])
    publishers = []
    for number in range(32):
        # Where they point nobody listens. Four want the very name, of which Avahi makes "h2 #2" and so on; the others
        # have such names from the start, as settling all 32 takes Avahi a minute.
        name = node["name"] if number < 4 else f"{node['name']} #{number + 10}"
        publishers.append(others[number % 2].begin(
            "avahi-publish", "-s", name, "_llmstack._tcp", str(10200 + number), "v=1", f"cid={node['cluster']}",
            f"id={node['id']}", "name=team", "gen=1", "tiers=plan"))
    wait_for(lambda: len([e for e in follow.browse_once(members[0]) if e["txt"].get("id") == node["id"]]) >= 30, 30,
             "30 sightings of one id")
    deadline = time.monotonic() + found.count(3, 10, 60)
    while time.monotonic() < deadline:
        view = nodes(members[0])
        rows = [row for row in view["nodes"] if row["id"] == node["id"]]
        found.expect(len(rows) == 1, f"{len(rows)} rows for one id")
        found.expect(len(view["nodes"]) == 2, f"{[row['name'] for row in view['nodes']]} for 2 nodes")
        if not found.expect(rows and rows[0]["state"] == "up" and rows[0]["address"] == members[1].addresses()[0]
                            and rows[0]["port"] == 10103, f"the node is seen as {brief(rows)}"):
            break
        time.sleep(0.5)
    for publisher in publishers:
        publisher.kill()
        publisher.wait()
    # The real one starts anew among them: it is found again.
    members[1].stop()
    members[1].start()
    expect_state(found, members[0], node["id"], "up", 10, "after all sightings but the real one ended and it started anew")
    found.number("rows at the end", len(nodes(members[0])["nodes"]), limit=2)


def brief(rows):
    return [{key: row.get(key) for key in ("name", "state", "address", "port", "addresses")} for row in rows]


def expect_state(found, host, identity, state, seconds, when):
    """Notes a fault unless a node has a state, for a host, within some time."""
    try:
        wait_for(lambda: state_of(nodes(host), identity) == state, seconds, "")
        return True
    except LabError:
        rows = [row for row in nodes(host)["nodes"] if row["id"] == identity]
        return found.expect(False, f"{when}: {identity} is not {state} for {host.name}: {brief(rows) or 'not listed'}")


@check("stranger", hosts=3)
def stranger(lab, found):
    """A record of another cluster is no member; one that lies about its id or cluster is not believed."""
    one, two, three = lab
    gather([one, two])
    node = describe(one)
    other, claim = ["--cluster", "otherclusterid00", "--cluster-name", "other"], ["--claim", describe(two)["id"]]
    cases = {
        "another cluster's": ([*other, "--id", "fakenode00000001"], "fakenode00000001"),
        "our cluster in its TXT, another in its description": (None, "fakenode00000002"),
        "the id of a member": (["--cluster", node["cluster"], "--id", "fakenode00000003", *claim], "fakenode00000003"),
    }
    for what, (arguments, identity) in cases.items():
        if arguments is None:
            arguments = ["--cluster", "otherclusterid00", "--id", identity, "--silent"]
        with fake(three, *arguments):
            liar = None
            if "--silent" in arguments:
                liar = three.begin("avahi-publish", "-s", "liar", "_llmstack._tcp", "10103", "v=1", f"cid={node['cluster']}",
                                   f"id={identity}", "name=team", "gen=1", "tiers=plan")
            time.sleep(4)
            view = nodes(one)
            found.expect(identity not in up(view), f"{what}: it is up")
            used = [row for row in view["nodes"] if row["state"] == "up"]
            found.expect(len(used) == 2, f"{what}: {brief(used)} are up, there are two")
            second = next((row for row in used if row["id"] == describe(two)["id"]), None)
            found.expect(second and second["address"] == two.addresses()[0],
                         f"{what}: the member is seen as {brief([second or {}])}")
            if liar:
                liar.kill()
                liar.wait()
    await_all([one, two])


@check("docker", hosts=3)
def docker(lab, found):
    """A service whose first address is a docker bridge: the right one is used, though that address leads to ourselves."""
    one, two, three = lab
    for host in (one, two):
        # Both have it, as in every office.
        host.add_bridge()
    gather([one, two])
    node = describe(one)
    right = three.addresses()[0]
    with fake(three, "--cluster", node["cluster"], "--id", "fakenode00000004", "--host", "many.local",
              "--addresses", f"{right},172.17.0.1") as running:
        browsed = wait_for(lambda: [e for e in follow.browse_once(one) if e["txt"].get("id") == "fakenode00000004"], 10,
                           "the record on h1")
        found.expect(browsed[0]["address"] == "172.17.0.1",
                     f"nothing was tried: Avahi resolves it to {browsed[0]['address']} first")
        for host in (one, two):
            if expect_state(found, host, "fakenode00000004", "up", 10, "docker bridge first"):
                row = next(row for row in nodes(host)["nodes"] if row["id"] == "fakenode00000004")
                found.expect(row["address"] == right, f"{host.name} uses {row['address']}, not {right}: {brief([row])}")
        found.expect(asked(running, "/llmstack/v1/events"), "the fake node was never asked for its events")
    # Real ones have that interface too.
    for host in (one, two):
        for row in nodes(host)["nodes"]:
            if not row["self"] and row["state"] == "up":
                found.expect(not row["address"].startswith("172.17."), f"{host.name} uses {row['address']} of {row['name']}")


@check("static", hosts=3)
def static(lab, found):
    """No Avahi at all: llmstack says which package to install, and nodes that are named work."""
    one, two, three = lab
    gather([one, two, three])
    identity = describe(two)["id"]
    one.stop()
    one.avahi("stop")
    done = one.start()
    log = one.run("sh", "-c", "cat .llmstack/logs/*.log").stdout + done.stdout + done.stderr
    doctor = one.llmstack("doctor", check=False)
    found.expect("avahi-daemon" in log + doctor.stdout + doctor.stderr, "neither the log nor doctor names avahi-daemon")
    found.expect("avahi-daemon" in doctor.stdout + doctor.stderr, f"doctor does not name avahi-daemon: {doctor.stdout[:300]}")
    one.llmstack("nodes", "add", two.addresses()[0])
    expect_state(found, one, identity, "up", 10, "nodes add, without Avahi")
    one.llmstack("nodes", "remove", two.addresses()[0])
    one.stop()
    one.bus("kill")
    one.start()
    one.llmstack("nodes", "add", f"{two.addresses()[0]}:10103")
    expect_state(found, one, identity, "up", 10, "nodes add, without a bus")
    one.bus("start")
    one.avahi("start")
    expect_state(found, one, describe(three)["id"], "up", 10, "bus and Avahi came after the router")
    found.expect(get(three, cluster_url(one, "/llmstack/v1/node"))["id"] == describe(one)["id"], "another node at that address")
