"""Clusters of lab hosts, and what their nodes say: llmstack's command line and node API, as the checks use them."""
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys

from .namespaces import LabError, wait_for

CLUSTER_PORT = 10103
LOOPBACK = "http://127.0.0.1:10101"
CLIENT = pathlib.Path(__file__).with_name("client.py")
POST = """import json, sys, urllib.request
request = urllib.request.Request(sys.argv[1], json.dumps({"model": sys.argv[2], "max_tokens": 4,
    "messages": [{"role": "user", "content": "hello"}]}).encode(), {"Content-Type": "application/json"})
with urllib.request.urlopen(request, timeout=60) as reply:
    print(json.load(reply)["model"])
"""


def each(things, action):
    """Does something with every host, or whatever it is, at once; the results in their order."""
    with concurrent.futures.ThreadPoolExecutor(len(things)) as pool:
        return list(pool.map(action, things))


def gather(hosts, name="team"):
    """Starts the stack of every host, makes a cluster of them, and waits until each sees all."""
    hosts = list(hosts)
    each(hosts, lambda host: host.start())
    hosts[0].llmstack("cluster", "init", "--open", "--name", name)
    # A router takes a moment to be seen.
    if hosts[1:]:
        each(hosts[1:], lambda host: wait_for(
            lambda: host.llmstack("join", "--open", name, check=False).returncode == 0, 15,
            f"`llmstack join --open {name}` on {host.name}"))
    await_all(hosts)


def await_all(hosts, seconds=15):
    def seen(host):
        try:
            return len(up(nodes(host)))
        except LabError:
            # As in `join`.
            return 0

    for host in hosts:
        wait_for(lambda: seen(host) >= len(hosts), seconds, f"{host.name} to see {len(hosts)} nodes up")


def nodes(host):
    """What `llmstack nodes --json` says."""
    done = host.llmstack("nodes", "--json", check=False)
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise LabError(f"`llmstack nodes --json` on {host.name}: exit {done.returncode}, "
                       f"{(done.stderr or done.stdout).strip()[:300] or 'no output'}") from None


def up(view):
    """The ids of the nodes that are up in a view of `nodes`, the host's own among them."""
    return {node["id"] for node in view["nodes"] if node["state"] == "up"}


def state_of(view, identity):
    """The state of a node in a view, or "gone"."""
    return next((node["state"] for node in view["nodes"] if node["id"] == identity), "gone")


def get(host, url):
    """A JSON document that a host gets."""
    done = host.run(sys.executable, "-c", "import sys, urllib.request; "
                    "print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())", url, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise LabError(f"GET {url} from {host.name}: {(done.stderr or done.stdout).strip()[-300:]}") from None


def describe(host):
    """A host's own description of its node."""
    return get(host, "http://127.0.0.1:10101/llmstack/v1/node")


def join(host, name="team"):
    """Starts a host's stack and has it join a cluster. Returns the id of its node."""
    host.start()
    host.llmstack("join", "--open", name, timeout=30)

    def identity():
        try:
            return describe(host)["id"]
        except LabError:
            # A router takes a moment to notice that its host is in a cluster.
            return None

    return wait_for(identity, 10, f"the router of {host.name} to be in the cluster {name}")


def ask(host, base, model):
    """Asks for a short answer of a model. Returns the model that says it gave it, or what went wrong."""
    done = host.run(sys.executable, "-c", POST, base.rstrip("/") + "/chat/completions", model, check=False, timeout=90)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def chat(text, model="auto", max_tokens=4, **more):
    """The body of a chat request with one message."""
    return {"model": model, "max_tokens": max_tokens, "messages": [{"role": "user", "content": text}], **more}


def begin_posting(host, requests, timeout=60):
    """Starts posting from a host, all at once. requests: as client.py takes them, whose `url` is the loopback router's chat
    unless given. `posted` gets the results."""
    requests = [{"url": LOOPBACK + "/v1/chat/completions", **request} for request in requests]
    process = host.begin(sys.executable, CLIENT, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(json.dumps({"requests": requests, "timeout": timeout}))
    process.stdin.close()
    process.stdin = None
    return process


def posted(process, timeout=90):
    """What became of the requests, in their order, as client.py tells it."""
    output, errors = process.communicate(timeout=timeout)
    results = sorted(map(json.loads, output.splitlines()), key=lambda found: found["index"])
    if process.returncode or not results:
        raise LabError(f"posting ended with {process.returncode}: {errors.strip()[-300:]}")
    return results


def post(host, body, url=None, headers=None, timeout=60):
    """Posts one request from a host and returns what became of it."""
    request = {"body": body, "headers": headers or {}} | ({"url": url} if url else {})
    return posted(begin_posting(host, [request], timeout), timeout + 30)[0]


def cluster_url(host, path):
    """A URL of a host's cluster listener, for others."""
    address = host.addresses()[0]
    return f"http://{f'[{address}]' if ':' in address else address}:{CLUSTER_PORT}{path}"


def share(host, tiers):
    """Writes `share` into [NODE] of a host's models.ini and has the router read it again."""
    ini = host.project / ".llmstack/models.ini"
    lines = ini.read_text().splitlines()
    if "[NODE]" in lines:
        start = lines.index("[NODE]")
        del lines[start:next((i for i in range(start + 1, len(lines)) if lines[i].startswith("[")), len(lines))]
    new = ini.with_suffix(".new")
    new.write_text("\n".join([*lines, "[NODE]", f"share = {tiers}", ""]))
    new.replace(ini)
    os.kill(host.router(), signal.SIGHUP)
