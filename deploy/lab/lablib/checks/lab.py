"""That the lab itself does what its verbs say: a check over a broken lab proves nothing."""
from .. import follow
from ..namespaces import wait_for
from ..report import check

TOUCH = "timeout {seconds} bash -c '(: </dev/tcp/{address}/9)' 2>&1; true"


@check("lab", hosts=2, quick=True)
def verbs(lab, found):
    """The lab's own verbs do what they say."""
    one, two = lab[1], lab[2]

    def reaches():
        # Nobody listens at port 9: a refusal is an answer.
        return "refused" in one.run("sh", "-c", TOUCH.format(seconds=0.4, address=two.addresses()[0])).stdout

    wait_for(reaches, 5, "h2 from h1")
    for name, broken, mended in (
        ("cut", two.cut, two.mend), ("mute", lambda: two.mute(True), lambda: two.mute(False)),
        ("lose 100", lambda: two.lose(100), lambda: two.lose(0)),
    ):
        broken()
        found.expect(not reaches(), f"{name}: h1 still reaches h2")
        mended()
        wait_for(reaches, 10, f"h2 from h1 after {name} was taken back")
    found.number("datagrams lost at `lose 30`", lost(one, two, 30), "%")
    found.expect(10 <= found.figures[-1]["value"] <= 55, "`lose 30` loses something else")
    with two.begin("avahi-publish", "-s", "box", "_llmstack._tcp", "10103", "v=1"):
        wait_for(lambda: [entry for entry in follow.browse_once(one) if entry["name"] == "box"], 10, "a service of h2 on h1")
        two.pause()
        found.expect(two.paused, "pause: something goes on")
        two.resume()
        found.expect(not two.paused, "resume: something stands still")
        two.kill("all")
    found.expect(not two.processes(), "kill all: something is left")
    two.boot()
    found.expect(two.named("avahi-daemon") and two.named("dbus-daemon"), "boot: no bus or no Avahi")


def lost(sender, receiver, percent):
    """Percent of 400 datagrams that do not arrive."""
    receiving = receiver.begin("python3", "-c", (
        "import socket, sys\ns = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n"
        "s.setsockopt(41, 26, 0)\ns.bind(('::', 9))\nprint('ready', flush=True)\nn = 0\ns.settimeout(3)\n"
        "try:\n    while s.recv(9) != b'end':\n        n += 1\nexcept OSError:\n    pass\nprint(n)"))
    receiving.stdout.readline()
    receiver.lose(percent)
    family = "AF_INET6" if ":" in receiver.addresses()[0] else "AF_INET"
    sender.run("python3", "-c", (
        f"import socket, time\ns = socket.socket(socket.{family}, socket.SOCK_DGRAM)\nto = ({receiver.addresses()[0]!r}, 9)\n"
        "for i in range(400):\n    s.sendto(b'x', to)\n    time.sleep(0.001)\n"
        "for i in range(20):\n    s.sendto(b'end', to)"))
    count = int(receiving.communicate()[0])
    receiver.lose(0)
    return 100 * (1 - count / 400)
