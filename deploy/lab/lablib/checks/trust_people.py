"""Three people and a laptop that moves: what they type, and how long the laptop's requests do not work."""
import time

from ..laptop import Laptop
from ..members import LOOPBACK, ask, await_all
from ..namespaces import wait_for
from ..report import check
from ..trusting import invite


def until_answered(client, limit=20):
    """Seconds until a request by the gateway is answered; None where none is in time."""
    began = time.monotonic()
    while time.monotonic() - began < limit:
        if ask(client.host, LOOPBACK + "/v1", "plan") == "plan":
            return time.monotonic() - began
        time.sleep(0.1)
    return None


@check("people", hosts=3, quick=True)
def people(lab, found):
    """A desktop, a box, a laptop: one command each; routers die, freeze and move, the laptop leaves and returns; nobody types more."""
    desk, box, host = lab
    client = Laptop(host)
    desk.start()
    box.start()
    desk.llmstack("cluster", "init", "--name", "studio")
    began = time.monotonic()
    box.llmstack("join", invite(desk, "node"), timeout=30)
    found.times("`join`", [time.monotonic() - began], 3)
    await_all([desk, box])
    code, said, seconds = client.llmstack("install", "--external", "auto")
    found.expect(code != 0 and "cluster invite --role client" in said, f"install without a token: exit {code}: {said[-300:]}")
    code, said, seconds = client.llmstack("install", "--external", "auto", "--token", invite(desk, "client"))
    found.expect(code == 0, f"install --external auto: exit {code}: {said[-400:]}")
    found.times("`install --external auto`", [seconds], 3)
    code, said, seconds = client.llmstack("install", "--external", "auto")
    found.expect(code == 0, f"install again, without a token: exit {code}: {said[-400:]}")
    code, said, seconds = client.llmstack("start", "--detach")
    found.expect(code == 0, f"start: exit {code}: {said[-400:]}")
    found.expect(client.base == LOOPBACK + "/v1", f"opencode.json has {client.base}")
    text = (client.folder / ".llmstack/opencode.json").read_text()
    found.expect("lms_" not in text, "opencode.json has the key")
    client.answers(found, "after start")
    for what, harm, mend in [
        ("the desktop's address changes", lambda: desk.set_address("10.77.0.101"), None),
        ("the desktop's power goes", lambda: desk.kill(), lambda: (desk.boot(), desk.start())),
        ("the box freezes", lambda: box.pause(), lambda: box.resume()),
        ("the laptop leaves and returns", lambda: (host.cut(), time.sleep(found.count(3, 20, 60)), host.mend()), None),
    ]:
        harm()
        found.times(f"{what}: to the next answer", [until_answered(client)], 5)
        if mend:
            mend()
            await_all([desk, box], 40)
            found.times(f"{what}, and is mended: to an answer", [until_answered(client)], 5)
    revoked(desk, client, found)
    code, said, _ = client.llmstack("stop")
    found.expect(code == 0 and not host.router(), f"stop: exit {code}: {said[-300:]}, a router is {host.router()}")


def revoked(desk, client, found):
    """The laptop's key is revoked: its user is told so."""
    desk.llmstack("cluster", "revoke", client.host.name)
    time.sleep(0.3)
    answer = ask(client.host, LOOPBACK + "/v1", "plan")
    found.expect("401" in answer, f"with a revoked key: {answer}")
    # The gateway asks those that it does not use every ten seconds.
    wait_for(lambda: "revoked" in client.llmstack("status")[1], 20, "status to tell of the revoked key")
