"""Clusters with keys on lab hosts: how people make them, and real clients of their listener."""
import json
import sys

from .members import CLUSTER_PORT, await_all, each
from .namespaces import LabError, wait_for

TLS_CHAT = """import json, ssl, sys, urllib.request
url, ca, key, model, stream = sys.argv[1:6]
context = ssl.create_default_context(cafile=ca)
headers = {"Content-Type": "application/json"} | ({"Authorization": "Bearer " + key} if key else {})
body = {"model": model, "max_tokens": 4, "stream": stream == "1", "messages": [{"role": "user", "content": "SECRET-PROMPT hello"}]}
request = urllib.request.Request(url, json.dumps(body).encode(), headers)
try:
    with urllib.request.urlopen(request, timeout=30, context=context) as reply:
        print(reply.status, reply.read().decode()[:200])
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode()[:300])
"""


def found(host, name="studio", *more):
    """Starts a host's stack and makes it the first node of a cluster with keys."""
    host.start()
    host.llmstack("cluster", "init", "--name", name, *more)
    wait_for(lambda: listens(host), 10, f"{host.name} to listen for its cluster")


def listens(host):
    """Whether something listens at a host's cluster port."""
    return f":{CLUSTER_PORT} " in host.run("ss", "-ltn").stdout


def invite(issuer, role, *more):
    """A token, as it is printed."""
    return issuer.llmstack("cluster", "invite", "--role", role, *more).stdout.strip()


def gather(hosts, name="studio", roles=None):
    """A cluster with keys of some hosts, the first its issuer; waits until each sees all."""
    hosts = list(hosts)
    found(hosts[0], name)
    each(hosts[1:], lambda host: host.start())
    for host in hosts[1:]:
        host.llmstack("join", invite(hosts[0], (roles or {}).get(host.name, "node")), timeout=30)
    await_all(hosts)


def keys(host):
    """Who is let in, by name."""
    return {entry["name"]: entry for entry in json.loads(host.llmstack("cluster", "keys", "--json").stdout)["keys"]}


def secrets(host):
    """The directory of a host's secrets."""
    directories = [path for path in (host.home / ".config/llmstack").iterdir() if path.is_dir()]
    if len(directories) != 1:
        raise LabError(f"{host.name} has secrets of {len(directories)} clusters")
    return directories[0]


def tls_chat(host, url, ca, key="", model="plan", stream=False):
    """What a client with Python's TLS gets: status and the beginning of the body, or what is wrong with the connection."""
    done = host.run(sys.executable, "-c", TLS_CHAT, url, ca, key, model, "1" if stream else "0", check=False, timeout=60)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


JOIN_CLIENT = """import json, ssl, sys, urllib.request
url, token = sys.argv[1:3]
context = ssl._create_unverified_context()
request = urllib.request.Request(url, json.dumps({"name": sys.argv[3], "dnsNames": [], "addresses": []}).encode(),
    {"Content-Type": "application/json", "Authorization": "Bearer " + token.rsplit("-", 1)[1]})
try:
    with urllib.request.urlopen(request, timeout=10, context=context) as reply:
        print(reply.read().decode())
except urllib.error.HTTPError as error:
    print(json.dumps({"status": error.code, "body": error.read().decode()}))
"""


def tls_url(host, path=""):
    """A URL of a host's cluster listener in a cluster with keys."""
    return f"https://{host.addresses()[0]}:{CLUSTER_PORT}{path}"


def client_key(issuer, name, where, *more):
    """The key of a new thin client, as one has it who speaks the protocol by hand; `where` is the host that asks."""
    done = where.run(sys.executable, "-c", JOIN_CLIENT, tls_url(issuer, "/llmstack/v1/join"),
                     invite(issuer, "client", *more), name)
    answer = json.loads(done.stdout)
    if "key" not in answer:
        raise LabError(f"no key for {name}: {answer}")
    return answer["key"]
