"""A host that is in no cluster."""
import json
import pathlib
import sys
import time

from .. import follow, namespaces
from ..members import ask
from ..namespaces import wait_for
from ..report import check

CAPTURE = pathlib.Path(__file__).parents[1] / "capture.py"


def listeners(host):
    """TCP ports on which something in the host listens, with the addresses as hex."""
    found = {}
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{host.process.pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                address, _, port = fields[1].partition(":")
                found.setdefault(int(port, 16), set()).add(address)
    return found


def datagram_sockets(host):
    """How many UDP and packet sockets the stack's processes hold."""
    names = set()
    for table in ("udp", "udp6", "packet"):
        text = pathlib.Path(f"/proc/{host.process.pid}/net/{table}").read_text()
        names |= {line.split()[-1 if table == "packet" else 9] for line in text.splitlines()[1:]}
    held = 0
    for pid in host.processes():
        if "/llmstack" in " ".join(namespaces.command_words(pid)[:1]):
            for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                try:
                    target = str(descriptor.readlink())
                except OSError:
                    continue
                held += target.startswith("socket:[") and target[8:-1] in names
    return held


@check("single", hosts=1, quick=True)
def single(lab, found):
    """A host in no cluster listens on 10101, 10102 and for llama-server only, and sends no multicast."""
    host = lab[1]
    host.avahi("stop")
    outgoing = captured(host, found, lambda: use(host, found))
    found.number("multicast frames sent, Avahi stopped", len([f for f in outgoing if f["udp"]]), limit=0)
    host.avahi("start")
    outgoing = captured(host, found, lambda: use(host, found))
    found.number("multicast frames with llmstack in them, Avahi running", len([f for f in outgoing if f["llmstack"]]), limit=0)


def use(host, found):
    host.start()
    answer = ask(host, "http://127.0.0.1:10101/v1", "plan")
    found.expect(answer == "plan", f"plan does not answer: {answer}")
    ports = listeners(host)
    # Loopback of IPv4, as /proc writes it.
    strange = {port: sorted(addresses) for port, addresses in ports.items()
               if not (port in (10101, 10102) or 10001 <= port < 10101) or addresses != {"0100007F"}}
    found.expect(not strange, f"unexpected listeners: {strange}")
    found.expect({10101, 10102} <= set(ports), f"listeners: only {sorted(ports)}")
    found.number("UDP and packet sockets of llmstack", datagram_sockets(host), limit=0)
    time.sleep(found.count(1, 5, 20))
    host.stop()
    wait_for(lambda: not {10101, 10102, 10103} & set(listeners(host)), 10, "closed ports after stop")


def captured(host, found, action):
    """The multicast frames that leave a host while something is done."""
    with follow.Follow(host, [sys.executable, CAPTURE, "eth0"], json.loads) as capture:
        capture.wait(lambda line: line.get("ready"), 10, what="a capture")
        action()
        # A capture that sees nothing at all proves nothing.
        host.run("python3", "-c", "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
                 "s.sendto(b'probe of the capture', ('224.0.0.251', 9999))")
        mark = capture.wait(lambda line: line.get("out") and line["udp"] and not line["mdns"], 5, what="the probe")[1]
        return [line for _, line in list(capture.lines) if line.get("out") and line is not mark]
