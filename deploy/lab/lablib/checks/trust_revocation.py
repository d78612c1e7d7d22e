"""Those who were let in and are no more."""
import json
import subprocess
import sys
import time

from ..members import nodes, state_of
from ..namespaces import wait_for
from ..report import check
from ..trusting import client_key, gather, keys, secrets, tls_url

STREAM = """import json, socket, ssl, sys, time
host, ca, key = sys.argv[1:4]
context = ssl.create_default_context(cafile=ca)
with context.wrap_socket(socket.create_connection((host, 10103), 10), server_hostname=host) as stream:
    body = json.dumps({"model": "code-smart", "stream": True, "max_tokens": 4000, "messages": [{"role": "user", "content": "go on"}]})
    stream.sendall(("POST /v1/chat/completions HTTP/1.1\\r\\nHost: %s\\r\\nAuthorization: Bearer %s\\r\\n"
        "Content-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (host, key, len(body), body)).encode())
    begun = False
    while True:
        try:
            data = stream.recv(65536)
        except OSError:
            data = b""
        if not data:
            break
        if not begun and b"data: {" in data:
            begun = True
            print(json.dumps({"begun": time.monotonic()}), flush=True)
    print(json.dumps({"ended": time.monotonic()}), flush=True)
"""


@check("revoke", hosts=3, quick=True)
def revoke(lab, found):
    """A revoked key: its open streams end within 100 ms, at the node that heard of it and at the others."""
    desk, box, laptop = lab
    gather([desk, box])
    cuts, refusals = [], []
    for number in range(found.count(2, 5, 20)):
        for at in (desk, box):
            name = f"anna{number}-{at.name}"
            key = client_key(desk, name, laptop)
            wait_for(lambda: name in keys(at), 5, "the key on every node")
            client = laptop.begin(sys.executable, "-c", STREAM, at.addresses()[0], secrets(desk) / "ca.pem", key,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            first = client.stdout.readline()
            if not first:
                found.expect(False, f"no stream at {at.name}: {client.stderr.read()[-300:]}")
                continue
            before = time.monotonic()
            desk.llmstack("cluster", "revoke", name)
            after = time.monotonic()
            ended = json.loads(client.stdout.readline() or "{}").get("ended")
            # The command itself takes time before and after it has told the router.
            cuts.append(None if ended is None else max(0.0, ended - after) if ended > before else None)
            done = laptop.run("curl", "-sS", "--cacert", secrets(desk) / "ca.pem", "-H", f"Authorization: Bearer {key}",
                              tls_url(at, "/v1/models"), check=False)
            found.expect("was revoked" in done.stdout, f"a revoked key at {at.name}: {(done.stdout + done.stderr)[-200:]}")
            refusals.append(name)
    found.times("the command's end to the stream's", cuts, 0.1)
    node(desk, box, found)


def node(desk, box, found):
    """A revoked node is a member no more, and asks in vain."""
    identity = (box.home / ".local/state/llmstack/node-id").read_text().strip()
    desk.llmstack("cluster", "revoke", identity)
    began = time.monotonic()
    wait_for(lambda: state_of(nodes(desk), identity) in ("down", "gone", "suspect"), 15, "the revoked node to be gone")
    found.times("a revoked node to be used no more", [time.monotonic() - began], 5)
    done = box.run("curl", "-sS", "-m", "5", "--cacert", secrets(box) / "ca.pem", "--cert", secrets(box) / "node.pem",
                   "--key", secrets(box) / "node.key", tls_url(desk, "/llmstack/v1/node"), check=False)
    found.expect('"name"' not in done.stdout, f"a revoked node still asks: {done.stdout[-200:]}")
