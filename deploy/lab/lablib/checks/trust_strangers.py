"""Those who do not belong, by real clients and servers of TLS."""
import json
import subprocess
import time

from ..members import CLUSTER_PORT
from ..namespaces import wait_for
from ..report import check
from ..trusting import client_key, found as found_cluster, gather, invite, secrets, tls_chat, tls_url

NODE = """const https = require('https');
const request = https.request(process.argv[1], {headers: {authorization: 'Bearer ' + process.argv[2]}}, reply => {
  let text = ''; reply.on('data', data => text += data); reply.on('end', () => console.log(reply.statusCode, text.slice(0, 5000)));
});
request.on('error', error => console.log('error', error.code, error.message)); request.end();
"""


@check("clients", hosts=2, quick=True)
def clients(lab, found):
    """openssl, curl and Node accept the router by the cluster's authority, and refuse that for a foreign name."""
    desk, laptop = lab
    found_cluster(desk)
    key = client_key(desk, "anna", laptop)
    authority = secrets(desk) / "ca.pem"
    url = tls_url(desk, "/v1/models")
    done = laptop.run("openssl", "s_client", "-connect", f"{desk.addresses()[0]}:{CLUSTER_PORT}", "-CAfile", authority,
                      "-verify_return_error", "-verify_ip", desk.addresses()[0], "-x509_strict", "-tls1_3", "-brief",
                      check=False)
    found.expect("Verification: OK" in done.stdout + done.stderr, f"openssl s_client: {(done.stdout + done.stderr)[-300:]}")
    done = laptop.run("openssl", "s_client", "-connect", f"{desk.addresses()[0]}:{CLUSTER_PORT}", "-tls1_2", check=False)
    found.expect(done.returncode != 0, "TLS 1.2 is taken")
    done = laptop.run("curl", "-sS", "--cacert", authority, "-H", f"Authorization: Bearer {key}", url, check=False)
    found.expect('"plan"' in done.stdout, f"curl: {(done.stdout + done.stderr)[-300:]}")
    done = laptop.run("curl", "-sS", "--cacert", authority, url, check=False)
    found.expect('invalid_api_key' in done.stdout, f"curl without a key: {(done.stdout + done.stderr)[-300:]}")
    done = laptop.run("curl", "-sS", url, check=False)
    found.expect(done.returncode == 60, f"curl without the authority: {done.returncode} {done.stderr[-200:]}")
    done = laptop.run("node", "-e", NODE, url, key, environment={"NODE_EXTRA_CA_CERTS": str(authority)}, check=False)
    found.expect('200' in done.stdout and '"plan"' in done.stdout, f"node: {(done.stdout + done.stderr)[-300:]}")
    foreign_name(desk, laptop, found, authority)


def foreign_name(desk, laptop, found, authority):
    """Whoever has the authority's key cannot fool those who trust it about the rest of the world."""
    directory = laptop.home / "foreign"
    directory.mkdir()
    laptop.run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=bank",
               "-keyout", directory / "key.pem", "-out", directory / "request.pem")
    (directory / "names").write_text("subjectAltName=DNS:bank.example\nextendedKeyUsage=serverAuth\n")
    laptop.run("openssl", "x509", "-req", "-in", directory / "request.pem", "-CA", authority, "-CAkey",
               secrets(desk) / "ca.key", "-set_serial", "7", "-days", "9", "-extfile", directory / "names", "-out",
               directory / "leaf.pem")
    server = laptop.begin("openssl", "s_server", "-accept", "127.0.0.1:9443", "-cert", directory / "leaf.pem", "-key",
                          directory / "key.pem", "-www", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: ":9443 " in laptop.run("ss", "-ltn").stdout, 5, "the foreign server")
        done = laptop.run("curl", "-sS", "--cacert", authority, "--resolve", "bank.example:9443:127.0.0.1",
                          "https://bank.example:9443/", check=False)
        found.expect(done.returncode == 60 and "permitted subtree" in done.stderr,
                     f"curl takes a foreign name: {done.returncode} {done.stderr[-300:]}")
        script = NODE.replace("https.request(process.argv[1], {", "https.request({host: '127.0.0.1', port: 9443, "
                              "servername: 'bank.example', path: '/', ")
        done = laptop.run("node", "-e", script, "x", "y", environment={"NODE_EXTRA_CA_CERTS": str(authority)}, check=False)
        found.expect("error" in done.stdout and "permitted subtree" in done.stdout,
                     f"node takes a foreign name: {(done.stdout + done.stderr)[-300:]}")
    finally:
        server.kill()


@check("tokens", hosts=2, quick=True)
def tokens(lab, found):
    """A used token, one of another cluster whose secret must not be told, one of the wrong kind, and six tries a minute."""
    desk, box = lab
    found_cluster(desk)
    box.start()
    at = ("--at", desk.addresses()[0])
    done = box.llmstack("join", invite(desk, "client"), *at, check=False)
    found.expect(done.returncode == 1 and "thin client" in done.stderr, f"a client's token: {done.stderr[-300:]}")
    # Somebody else listens where the token's cluster is thought to be, and writes down what he is told.
    directory = box.home / "impostor"
    directory.mkdir()
    box.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/O=llmstack/CN=studio", "-days", "9", "-keyout", directory / "key.pem", "-out", directory / "ca.pem")
    token = invite(desk, "node")
    with open(directory / "told", "w") as told:
        server = box.begin("openssl", "s_server", "-accept", "127.0.0.1:9443", "-cert", directory / "ca.pem", "-key",
                           directory / "key.pem", "-tls1_3", "-quiet", stdout=told, stderr=subprocess.DEVNULL,
                           stdin=subprocess.DEVNULL)
        try:
            wait_for(lambda: ":9443 " in box.run("ss", "-ltn").stdout, 5, "the impostor")
            done = box.llmstack("join", token, "--at", "127.0.0.1:9443", check=False)
            found.expect(done.returncode == 1 and "was not told" in done.stderr, f"an impostor: {done.stderr[-300:]}")
        finally:
            server.kill()
    told = (directory / "told").read_text()
    found.expect(token.rsplit("-", 1)[1] not in told and "POST" not in told, f"the impostor was told {told[:200]!r}")
    done = box.llmstack("join", token, *at, check=False)
    found.expect(done.returncode == 0, f"join after the impostor: {done.stderr[-300:]}")
    box.llmstack("cluster", "leave")
    done = box.llmstack("join", token, *at, check=False)
    found.expect(done.returncode == 1 and "used already" in done.stderr, f"a used token: {done.stderr[-300:]}")
    wrong = token[:-5] + ("aaaaa" if not token.endswith("aaaaa") else "bbbbb")
    said = [box.llmstack("join", wrong, *at, check=False).stderr for _ in range(6)]
    found.expect(any("Too many tries" in text for text in said), f"six tries in a minute: {said[-1][-200:]}")
    found.expect(desk.status()["router"]["state"] == "running" if "router" in desk.status() else True, "the router is gone")


@check("foreign", hosts=3, quick=True)
def foreign(lab, found):
    """A node of another cluster, a stolen TXT record, and a client at the routes of nodes."""
    desk, box, thief = lab
    gather([desk, box])
    found_cluster(thief, "annex")
    mine, theirs = secrets(desk), secrets(thief)
    done = thief.run("curl", "-sS", "-k", "--cert", theirs / "node.pem", "--key", theirs / "node.key",
                     tls_url(desk, "/llmstack/v1/node"), check=False)
    found.expect(done.returncode != 0 and not done.stdout, f"a foreign certificate is taken: {done.stdout[-300:]}")
    done = box.run("curl", "-sS", "--cacert", mine / "ca.pem", "--cert", secrets(box) / "node.pem", "--key",
                   secrets(box) / "node.key", tls_url(desk, "/llmstack/v1/node"), check=False)
    found.expect('"name"' in done.stdout, f"a node's own certificate by curl: {(done.stdout + done.stderr)[-300:]}")
    key = client_key(desk, "anna", box)
    for path in ("/llmstack/v1/node", "/llmstack/v1/events", "/llmstack/v1/access"):
        done = box.run("curl", "-sS", "-m", "5", "--cacert", mine / "ca.pem", "-H", f"Authorization: Bearer {key}",
                       tls_url(desk, path), check=False)
        found.expect('"forbidden"' in done.stdout, f"a key at {path}: {(done.stdout + done.stderr)[-200:]}")
    answered = tls_chat(box, tls_url(desk, "/v1/chat/completions"), mine / "ca.pem", key)
    found.expect(answered.startswith("200"), f"a key at a tier: {answered}")
    # The box dies, and the thief says that he is it.
    identity = json.loads((mine.parent / "cluster.json").read_text())["id"]
    node = (box.home / ".local/state/llmstack/node-id").read_text().strip()
    box.kill()
    stolen = thief.begin("avahi-publish", "-s", "h2", "_llmstack._tcp", str(CLUSTER_PORT), "v=1", f"cid={identity}",
                         f"id={node}", "name=studio", "gen=9", "sec=keys", "tiers=plan,code-smart")
    try:
        time.sleep(3)
        view = json.loads(desk.llmstack("nodes", "--json").stdout)
        states = {entry["id"]: entry["state"] for entry in view["nodes"]}
        found.expect(states.get(node) not in ("up", "draining"), f"the thief passes for the box: {states}")
    finally:
        stolen.kill()
