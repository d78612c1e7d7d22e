"""Web pages that somebody is shown by a real browser, and the routers that they would like to use."""
import json
import re
import subprocess

from ..browsing import Visit, add_name, missing_browser, rebind, visit_page, website
from ..members import LOOPBACK
from ..namespaces import wait_for
from ..report import check
from ..trusting import client_key, found as found_cluster, tls_url

LOCALHOST = LOOPBACK.replace("127.0.0.1", "localhost")
# What a page may be told of a request: that it failed, or nothing. "load" is missing: no reply is a picture or a script.
UNREADABLE = {"TypeError", "SecurityError", "closed", "error", "opaque 0", "sent"}
# The ways of page.html in which a browser does not say where the page is from.
WITHOUT_ORIGIN = {"no-cors-get", "img", "script", "iframe", "img-unload", "script-upstream"}
FOREIGN, REBOUND, OWN, OWN_PAGE = "PROMPT-OF-A-FOREIGN-PAGE", "PROMPT-OF-A-REBOUND-PAGE", "PROMPT-OF-A-CLIENT", "PROMPT-OF-AN-OWN-PAGE"


@check("browser", hosts=2)
def browser(lab, found):
    """Chromium shows pages of other origins and of rebound names: no router obeys them; documented clients notice nothing."""
    if missing := missing_browser():
        found.faults.append(missing)
        return
    desk, laptop = lab
    found_cluster(desk)
    capture = desk.folder / "llama-swap.pcap"
    sniffer = desk.begin("tcpdump", "-i", "lo", "-s", "0", "-w", capture, "-U", "-Z", "root", "--immediate-mode", "tcp port 10102",
                         stdout=subprocess.DEVNULL)
    wait_for(capture.exists, 10, "tcpdump")
    documented_clients(desk, found)
    own_pages(desk, found)
    add_name(desk, "foreign.test", "127.0.0.1")
    foreign_pages(desk, [LOOPBACK, LOCALHOST], {200, 403}, found)
    rebound_pages(desk, "http", "127.0.0.1", 10101, found)
    listener_pages(desk, laptop, found)
    sniffer.terminate()
    sniffer.wait(10)
    asked_of_llama_swap(capture.read_bytes(), found)


def documented_clients(desk, found):
    """Programs say no Origin, or, in editors, one of the editor's own."""
    for host in ("127.0.0.1:10101", "localhost:10101", f"{desk.name}.local:10101", desk.name):
        for origin in (None, "vscode-webview://x", "vscode-file://vscode-app"):
            done = curl(desk, LOOPBACK + "/v1/chat/completions", f"Host: {host}", origin, body(OWN))
            found.expect('"choices"' in done.stdout, f"a client with Host {host}, Origin {origin}: {done.stdout[-300:]}{done.stderr}")


def own_pages(desk, found):
    """Whoever types the router's address sees its answer; pages of this host's own servers may use it. Both show that a browser's
    requests are seen where this check looks for them."""
    for base in (LOOPBACK, LOCALHOST):
        document = Visit(desk, base + "/v1/models").document
        found.expect("code-smart" in document, f"{base}/v1/models in a browser: {document[:300]}")
    website(desk, 8000)
    visit = visit_page(desk, "http://localhost:8000", [LOOPBACK], OWN_PAGE, ways=["no-cors-post"])
    replies = visit.replies(LOOPBACK, "no-cors-post")
    # Whatever llama-swap makes of plain text.
    found.expect(replies and replies[0][1] not in (None, 403), f"a page of http://localhost:8000 posts: {replies}")


def foreign_pages(host, bases, without_origin, found):
    """A page of another origin tries everything. without_origin: statuses of the replies to requests that do not say theirs: the
    browser keeps even good ones from the page."""
    visit = visit_page(host, "http://foreign.test:8000", bases, FOREIGN)
    for base in bases:
        for way, told in visit.found[base].items():
            what = f"a foreign page's {way} at {base}"
            replies = visit.replies(base, way)
            found.expect(told in UNREADABLE, f"{what} reads: {told}")
            refused(found, what, replies, without_origin if way in WITHOUT_ORIGIN else {403})
            if way == "post-json":
                found.expect([method for method, _ in replies] == ["OPTIONS"], f"{what} is sent after its preflight: {replies}")
    found.number(f"requests of a foreign page to {' and '.join(bases)}", sum(
        len(visit.replies(base, way)) for base in bases for way in visit.found[base]))


def rebound_pages(host, scheme, address, port, found, *certificate):
    """A page whose own name leads to the router: the browser shows it all replies."""
    name = f"rebind.test:{port}"
    website(host, 8002, *certificate)
    rebind(host, "rebind.test", address, port, *certificate)
    base = f"{scheme}://{name}"
    visit = visit_page(host, base, [base], REBOUND, leaves=f"{scheme}://localhost:8002")
    for way, told in visit.found[base].items():
        what = f"a rebound page's {way} at {base}"
        refused(found, what, visit.replies(base, way), {403})
        found.expect(told in UNREADABLE or "forbidden_host" in told, f"{what} reads: {told}")
    found.expect("forbidden_host" in visit.found[base]["get"], f"{base} says to its page: {visit.found[base]['get']}")
    document = Visit(host, base + "/v1/models").document
    found.expect("forbidden_host" in document, f"{base}/v1/models in a browser: {document[:300]}")


def listener_pages(desk, laptop, found):
    """The same on another host, at the cluster's listener, by somebody who clicks warnings of certificates away."""
    directory = laptop.home / "website"
    directory.mkdir()
    certificate = [directory / "certificate.pem", directory / "key.pem"]
    laptop.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
               "/CN=rebind.test", "-days", "9", "-out", certificate[0], "-keyout", certificate[1])
    add_name(laptop, "foreign.test", "127.0.0.1")
    website(laptop, 8000)
    foreign_pages(laptop, [tls_url(desk), f"https://{desk.name}.lab:10103"], {401, 403}, found)
    rebound_pages(laptop, "https", desk.addresses()[0], 10103, found, *certificate)
    key = client_key(desk, "anna", laptop)
    for origin in (None, "vscode-webview://x"):
        done = curl(laptop, tls_url(desk, "/v1/chat/completions"), f"Authorization: Bearer {key}", origin, body(OWN), "-k")
        found.expect('"choices"' in done.stdout, f"a key with Origin {origin}: {done.stdout[-300:]}{done.stderr}")


def refused(found, what, replies, statuses):
    """Notes a fault where a request was not made, or not answered so. An upgrade is refused whoever asks."""
    if "web-socket" in what:
        statuses = statuses | {501}
    if found.expect(replies and all(status for _, status in replies), f"{what} did not reach the router: {replies}"):
        found.expect({status for _, status in replies} <= statuses, f"{what} is answered: {replies}")


def asked_of_llama_swap(seen, found):
    """What came through: seen is all that was on the wire to llama-swap."""
    for mark in (OWN, OWN_PAGE):
        found.expect(mark.encode() in seen, f"{mark} was not seen on the way to llama-swap: nothing is proven")
    for mark in (FOREIGN, REBOUND):
        found.expect(mark.encode() not in seen, f"{mark} reached llama-swap")
    for method, path in sorted(set(re.findall(rb"(GET|HEAD|OPTIONS|POST|PUT|DELETE) (/\S*\?way=\S+) HTTP/1\.1", seen))):
        # The list of models changes nothing, and the page cannot read it; the own page's request is wanted.
        if not path.startswith(b"/v1/models?") and path != b"/v1/chat/completions?way=no-cors-post":
            found.faults.append(f"a foreign page had llama-swap asked {method.decode()} {path.decode()}")


def body(mark):
    return json.dumps({"model": "plan", "max_tokens": 4, "messages": [{"role": "user", "content": mark}]})


def curl(host, url, field, origin, text, *more):
    fields = ["-H", field, "-H", "Content-Type: application/json", *(["-H", f"Origin: {origin}"] if origin else [])]
    return host.run("curl", "-sS", "-m", "60", *more, *fields, "-d", text, url, check=False, timeout=90)
