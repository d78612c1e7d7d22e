"""Avahi and the bus that end and come again."""
import pathlib
import time

from .. import follow
from ..members import describe, gather, join, nodes, state_of, up
from ..namespaces import LabError, wait_for
from ..report import check, slope


def memory(pid):
    """Resident KiB of a process."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def open_files(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def is_of(entry, identity):
    return entry.get("txt", {}).get("id") == identity


def published(other, identity):
    return [entry for entry in follow.browse_once(other) if entry["txt"].get("id") == identity]


def view_faults(hosts, identities, moment):
    """What is wrong in what each host sees."""
    for host in hosts:
        view = nodes(host)
        seen = [node["id"] for node in view["nodes"]]
        if sorted(seen) != sorted(identities):
            yield f"{moment}: {host.name} lists {seen}, there are {sorted(identities)}"
        elif up(view) != set(identities):
            yield f"{moment}: {host.name} sees {[(n['name'], n['state']) for n in view['nodes']]}"


@check("avahi", hosts=4, quick=True)
def avahi(lab, found):
    """avahi-daemon restarted again and again on one host: every view right each time, nothing leaks."""
    hosts = list(lab)
    late, hosts = hosts[-1], hosts[:-1]
    gather(hosts)
    identities = [describe(host)["id"] for host in hosts]
    host, other = hosts[0], hosts[1]
    router = host.router()
    browser = follow.browse(other)
    browser.wait(lambda entry: is_of(entry, identities[0]), 10, what="the record")
    delays, sizes, files = [], [], []
    for number in range(found.count(1, 5, 50)):
        mark = browser.mark
        host.avahi("restart")
        began = time.monotonic()
        try:
            came = browser.wait(lambda entry: is_of(entry, identities[0]), 10, mark, "the record again")
            # It may be there before the restart is known to be over.
            delays.append(max(0.0, came[0] - began))
        except LabError:
            delays.append(None)
        for fault in view_faults(hosts[1:] + hosts[:1], identities, f"restart {number + 1}"):
            found.expect(False, fault)
        sizes.append(memory(router))
        files.append(open_files(router))
    found.times("Avahi runs to the record seen on another host", delays, 5)
    found.number("records of the host at the end", len(published(other, identities[0])), limit=1)
    found.number("router's memory, first", sizes[0] / 1024, "MiB")
    found.number("router's memory, last", sizes[-1] / 1024, "MiB")
    # The first restarts fill pools; from then on it has to be flat.
    steady = sizes[len(sizes) // 5:]
    found.number("memory's slope", slope(steady), "KiB a restart", limit=40 if len(sizes) >= 20 else 400)
    found.number("open files gained", max(files[-3:]) - files[0], limit=2)
    found.expect(host.router() == router, "the router is not the same process any more")
    # Whether the restarted host still hears of others.
    identity = join(late)
    try:
        wait_for(lambda: state_of(nodes(host), identity) == "up", 5, "a newcomer, on the host whose Avahi was restarted")
    except LabError as problem:
        found.expect(False, str(problem))
    browser.end()


@check("bus", hosts=3)
def bus(lab, found):
    """The system bus killed, and Avahi with it: known nodes stay, all is published again within 5 s."""
    hosts = list(lab)
    gather(hosts)
    identities = [describe(host)["id"] for host in hosts]
    host, other = hosts[0], hosts[1]
    router = host.router()
    delays, files = [], []
    for number in range(found.count(1, 3, 20)):
        host.bus("kill")
        time.sleep(2)
        for fault in view_faults(hosts, identities, f"bus gone, {number + 1}"):
            found.expect(False, fault)
        host.bus("start")
        host.avahi("start")
        began = time.monotonic()
        # A killed Avahi says no goodbye, so others may go by what they remember. The host's own new one remembers nothing.
        with follow.browse(host) as here:
            try:
                delays.append(here.wait(lambda entry: is_of(entry, identities[0]), 15, what="its own record")[0] - began)
            except LabError:
                delays.append(None)
        found.expect(published(other, identities[0]), f"bus {number + 1}: {other.name} does not see the record")
        files.append(open_files(router))
    found.times("bus and Avahi run to the record published", delays, 5)
    found.number("open files gained", files[-1] - files[0], limit=2)
    # Avahi never started again, but the bus is there: joins work from the ledger and static nodes only, and nothing spins.
    host.avahi("kill")
    before, cpu = time.monotonic(), ticks(router)
    time.sleep(3)
    share = (ticks(router) - cpu) / (time.monotonic() - before)
    found.number("router's processor time without Avahi", share, "% of a core", limit=5)


def ticks(pid):
    """User and system time of a process in hundredths of a second."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
