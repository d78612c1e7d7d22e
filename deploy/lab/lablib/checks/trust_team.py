"""People who make a cluster with keys, and what goes on without its first host."""
import json
import re
import time

from ..members import LOOPBACK, ask, await_all, nodes, up
from ..namespaces import wait_for
from ..report import check
from ..trusting import found as found_cluster
from ..trusting import client_key, gather, invite, keys, secrets, tls_chat, tls_url


def timed(host, *words):
    """Runs a command on a host. Returns its exit code, what it said, and seconds."""
    began = time.monotonic()
    done = host.llmstack(*words, check=False, timeout=30)
    return done.returncode, done.stdout + done.stderr, time.monotonic() - began


@check("team", hosts=3, quick=True)
def team(lab, found):
    """Three commands make a cluster with keys; its hosts serve each other; the first one's address changes."""
    desk, box, other = lab
    for host in (desk, box, other):
        host.start()
    code, said, seconds = timed(desk, "cluster", "init", "--name", "studio")
    found.expect(code == 0 and "invite" in said, f"cluster init: exit {code}: {said[-300:]}")
    found.times("`cluster init`", [seconds], 3)
    joins = []
    for host in (box, other):
        code, said, seconds = timed(host, "join", invite(desk, "node"))
        found.expect(code == 0, f"join: exit {code}: {said[-300:]}")
        joins.append(seconds)
    found.times("`join`", joins, 3)
    await_all([desk, box, other])
    for host in lab:
        for model in ("plan", "code-smart"):
            answered = ask(host, LOOPBACK + "/v1", model)
            found.expect(answered == model, f"{model} asked on {host.name}: {answered}")
    before = (secrets(desk) / "node.pem").read_text()
    desk.set_address("10.77.0.101")
    began = time.monotonic()
    wait_for(lambda: any(node.get("address") == "10.77.0.101" and node["state"] == "up" for node in nodes(box)["nodes"]), 20,
             "the desktop at its new address")
    found.times("the desktop up again at another address", [time.monotonic() - began], 5)
    wait_for(lambda: (secrets(desk) / "node.pem").read_text() != before, 30, "a certificate for the new address")
    names = desk.run("openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", secrets(desk) / "node.pem").stdout
    found.expect("10.77.0.101" in names, f"the new certificate has {names}")
    for path in [*secrets(desk).iterdir(), *secrets(box).iterdir()]:
        found.expect(path.stat().st_mode & 0o777 == 0o600, f"{path.name} has mode {path.stat().st_mode & 0o777:o}")
    found.expect(not (secrets(box) / "ca.key").exists(), "a node that is no issuer holds the authority's key")


@check("issuer-off", hosts=3, quick=True)
def issuer_off(lab, found):
    """The first issuer is off: others admit a known client, invite, renew, and learn of a revocation made meanwhile."""
    desk, box, other = lab
    gather(lab, roles={box.name: "issuer"})
    key = client_key(desk, "anna", other)
    wait_for(lambda: "anna" in keys(other), 5, "the key on the third node")
    authority = secrets(other) / "ca.pem"
    desk.kill()
    answered = tls_chat(other, tls_url(box, "/v1/chat/completions"), authority, key)
    found.expect(answered.startswith("200"), f"a known client at another node: {answered}")
    # Neither its age nor its addresses make the third node's certificate due but a new address.
    before = (secrets(other) / "node.pem").read_text()
    other.set_address("10.77.0.103")
    wait_for(lambda: (secrets(other) / "node.pem").read_text() != before, 60, "a certificate from the second issuer")
    token = invite(box, "client")
    found.expect(token.startswith("llmstack-1-"), f"the second issuer prints {token}")
    box.llmstack("cluster", "revoke", "anna")
    desk.boot()
    desk.start()
    wait_for(lambda: keys(desk)["anna"].get("revoked"), 40, "the desktop, back again, to know of the revocation")


@check("lost-disk", hosts=2, quick=True)
def lost_disk(lab, found):
    """A backup of the issuer, whose disk is lost: the cluster goes on, and its node stays in it."""
    desk, box = lab
    gather(lab)
    backup = desk.home / "cluster.backup"
    environment = {"LLMSTACK_BACKUP_PASSPHRASE": "correct horse battery staple"}
    done = desk.llmstack("cluster", "backup", backup, environment=environment)
    sealed = backup.read_bytes()
    found.expect(b"PRIVATE KEY" not in sealed and b"CERTIFICATE" not in sealed, "the backup can be read")
    found.expect(backup.stat().st_mode & 0o777 == 0o600, "others may read the backup")
    desk.stop()
    directory = secrets(desk)
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()
    (desk.home / ".config/llmstack/cluster.json").unlink()
    (desk.home / ".local/state/llmstack/node-id").unlink()
    done = desk.llmstack("cluster", "restore", backup, environment={"LLMSTACK_BACKUP_PASSPHRASE": "wrong"}, check=False)
    found.expect(done.returncode == 1 and "passphrase" in done.stderr, f"a wrong passphrase: {done.stderr[-300:]}")
    done = desk.llmstack("cluster", "restore", backup, environment=environment, check=False)
    found.expect(done.returncode == 0, f"restore: {done.stdout[-200:]} {done.stderr[-300:]}")
    desk.start()
    wait_for(lambda: len(up(nodes(box))) == 2, 20, "the restored desktop on the box")
    found.expect(invite(desk, "node").startswith("llmstack-1-"), "the restored desktop does not invite")


@check("init-again", hosts=1, quick=True)
def init_again(lab, found):
    """Leaving, being the only issuer, loose files, an exposed router: each says what to do."""
    (desk,) = lab
    found_cluster(desk)
    (directory,) = [secrets(desk)]
    (directory / "ca.key").chmod(0o644)
    done = desk.llmstack("cluster", "invite", check=False)
    found.expect(done.returncode == 1 and f"chmod 600 {directory}/ca.key" in done.stderr, f"a loose key: {done.stderr}")
    # That the authority cannot be read is no reason to take it that there is none.
    done = desk.llmstack("cluster", "leave", check=False)
    found.expect(done.returncode == 1 and directory.exists(), f"leaving with a loose key: {done.stdout}{done.stderr}")
    (directory / "ca.key").chmod(0o600)
    done = desk.llmstack("router", environment={"ROUTER_HOST": "0.0.0.0", "ROUTER_PORT": "10301"}, check=False)
    found.expect(done.returncode == 1 and "unset ROUTER_HOST" in done.stderr, f"an exposed router: {done.stderr}")
    invite(desk, "client")
    done = desk.llmstack("cluster", "leave", check=False)
    found.expect(done.returncode == 0, f"leave: {done.stderr}")
    found.expect(not directory.exists(), "leave left the secrets behind")
    done = desk.llmstack("cluster", "status", "--json")
    found.expect(json.loads(done.stdout)["cluster"] is None, f"after leaving: {done.stdout}")
    found.expect(not re.search(r"10103", desk.run("ss", "-ltn").stdout) or wait_for(
        lambda: ":10103 " not in desk.run("ss", "-ltn").stdout, 5, "the listener to close"), "the listener stays")
