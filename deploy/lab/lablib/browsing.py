"""A real browser on a lab host: Chromium without a window, the pages that it is shown, and what it did on the network."""
import html
import json
import pathlib
import re
import subprocess
import sys
import urllib.parse

from .namespaces import LabError, missing_packages, wait_for

SERVER = pathlib.Path(__file__).with_name("page_server.py")
# A lab host is all of one user, who is root there. Nothing but the pages is to be on the network.
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
           "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
           "--ignore-certificate-errors", "--dump-dom"]


def missing_browser():
    """What is wrong where there is no Chromium, and what to do; None where there is one."""
    if missing_packages({"chromium": "chromium"}):
        return "there is no Chromium, so no page was tried\n  fix: sudo apt-get install -y chromium"
    return None


def add_name(host, name, address):
    """Has a name lead to an address on a host."""
    with open(host.folder / "etc/hosts", "a") as hosts:
        hosts.write(f"{address} {name}\n")


def website(host, port, *certificate):
    """Starts a server of page.html on a host's loopback address, by HTTPS where it has a certificate and its key."""
    host.begin(sys.executable, SERVER, port, *certificate, stdout=subprocess.DEVNULL)
    wait_for(lambda: f"127.0.0.1:{port} " in host.run("ss", "-ltn").stdout, 10, f"the website of {host.name}")


def rebind(host, name, address, port, *certificate):
    """Has a name lead to somebody else's address, where a website answers until it is told to leave: what rebinding a name does,
    without the wait until the browser looks the name up again."""
    add_name(host, name, address)
    website(host, 8001, *certificate)
    host.run("nft", "add table ip website; add chain ip website out { type nat hook output priority -100; }; "
             f"add rule ip website out ip daddr {address} tcp dport {port} redirect to :8001")


class Visit:
    """A page that Chromium was shown: its document, and the requests that it made."""

    def __init__(self, host, url, seconds=60):
        visits = host.home / "visits"
        visits.mkdir(exist_ok=True)
        self.folder = visits / str(len(list(visits.iterdir())))
        self.folder.mkdir()
        log = self.folder / "network.json"
        done = host.run("chromium", *OPTIONS, f"--user-data-dir={self.folder}/profile", f"--log-net-log={log}",
                        "--net-log-capture-mode=Everything", url, timeout=seconds, check=False)
        (self.folder / "errors").write_text(done.stderr)
        self.document = done.stdout
        if not self.document.strip() or not log.exists():
            raise LabError(f"Chromium shows nothing of {url[:100]}: exit {done.returncode}: {done.stderr.strip()[-300:]}")
        self.requests = requests(json.loads(log.read_text()))

    @property
    def found(self):
        """What page.html has found out."""
        text = re.search(r'<pre id="found">(.*?)</pre>', self.document, re.DOTALL)
        if not text or not text[1]:
            raise LabError(f"the page did not come to its end: {self.document[:300]}")
        return json.loads(html.unescape(text[1]))

    def replies(self, base, way):
        """The requests that page.html made in one of its ways: pairs of a method and the status of the reply, which is None where
        there was none."""
        where = urllib.parse.urlsplit(base).netloc
        return [(request["method"], request.get("status")) for request in self.requests
                if urllib.parse.urlsplit(request["url"]).netloc == where and request["url"].endswith(f"?way={way}")]


def visit_page(host, origin, bases, mark, **more):
    """Shows page.html of a website, with what it is to try: see there."""
    task = json.dumps({"bases": bases, "mark": mark, **more})
    return Visit(host, f"{origin}/page#{urllib.parse.quote(task)}", 120)


def requests(log):
    """The requests of a network log, in their order: url, method, and the status and fields of the reply, if any."""
    kinds = {number: name for name, number in log["constants"]["logEventTypes"].items()}
    known = {}
    for event in log["events"]:
        kind, params = kinds[event["type"]], event.get("params") or {}
        if kind == "URL_REQUEST_START_JOB" and "url" in params:
            known[event["source"]["id"]] = {"url": params["url"], "method": params["method"]}
        elif kind.endswith("READ_RESPONSE_HEADERS") and event["source"]["id"] in known:
            line, *fields = params["headers"]
            known[event["source"]["id"]] |= {"status": int(line.split()[1]), "fields": fields}
        elif kind == "WEBSOCKET_UPGRADE_FAILURE" and event["source"]["id"] in known:
            # Of its reply the log has no more.
            code = re.search(r"response code: (\d+)", params.get("message", ""))
            known[event["source"]["id"]] |= {"status": int(code[1])} if code else {}
    return list(known.values())
