"""Requests that are too large, too slow or too many, at the built router."""
import json
import socket
import threading
import time

from benchlib.nodes import made_up
from benchlib.router import Home
from ..abuse import Crowd, Small, measured, scripted_upstream
from ..namespaces import LabError, wait_for
from ..report import check, percentile

MIB = 1 << 20
POST = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
# Seconds that a head may take; connections that are taken; bytes of a body, and of all bodies together.
HEAD, CONNECTIONS, BODY, BODIES = 10, 1024, 64 * MIB, 512 * MIB
# Milliseconds that the p99 of small requests may move by; MB that a router may have more than before after so many seconds.
MOVES, KEPT, RETURNS = 10, 32, 30


def connected(port):
    client = socket.create_connection(("127.0.0.1", port), 10)
    client.settimeout(30)
    return client


def answer(client):
    """The status, the fields and the body that come back; None in place of a status where the connection ends without a word."""
    reply = b""
    try:
        while piece := client.recv(1 << 16):
            reply += piece
            head, _, body = reply.partition(b"\r\n\r\n")
            fields = {name.strip().lower(): value.strip() for name, _, value in
                      (line.partition(":") for line in head.decode(errors="replace").split("\r\n")[1:])}
            if b"\r\n\r\n" in reply and len(body) >= int(fields.get("content-length", 0)):
                return int(head.split()[1]), fields, body
    except OSError as problem:
        return None, {}, str(problem).encode()
    return None, {}, b""


def unread(port):
    """Bytes on their way to a port on 127.0.0.1, or there and not read."""
    address = f"0100007F:{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table]
    queues = [(row[1], row[2], *(int(size, 16) for size in row[4].split(":"))) for row in rows if row[3] == "01"]
    return (sum(waiting for local, _, _, waiting in queues if local == address)
            + sum(going for _, remote, going, _ in queues if remote == address))


def send(client, *pieces):
    """Sends what the other side takes."""
    try:
        for piece in pieces:
            client.sendall(piece if isinstance(piece, bytes) else piece.encode())
    except OSError:
        pass
    return client


def expect(found, what, reply, status, code, retries=False):
    """Notes a fault where a refusal is not the one that is to be, in the shape that OpenAI's clients read."""
    try:
        error = json.loads(reply[2])["error"]
        shape = set(error) == {"message", "type", "param", "code"} and error["message"]
    except (ValueError, KeyError, TypeError):
        error, shape = {}, False
    found.expect(reply[0] == status and error.get("code") == code and shape,
                 f"{what}: {reply[0]} {reply[2][:200]!r}, not {status} {code}")
    found.expect(not retries or reply[1].get("retry-after", "").isdigit(), f"{what}: no Retry-After")


@check("limits", hosts=0, quick=True)
def limits(place, found):
    """Heads, bodies and connections beyond the limits: each gets its error, and nobody else suffers."""
    upstream = scripted_upstream(place)
    home = Home(place.folder, "single", upstream, tiers=["plan"])
    router = place.begin(home.start())
    measured(home.port, 1)
    _, alone, _ = measured(home.port, found.count(2, 4, 4))
    small = Small(home.port)
    small.start()
    # What waits for the router's patience, and another router.
    beside = [threading.Thread(target=slow_head, args=(found, home.port)),
              threading.Thread(target=guarded, args=(found, lambda: in_a_cluster(place, found, upstream)))]
    for thread in beside:
        thread.start()
    heads(found, home.port)
    before = router.rss()
    bodies(found, home.port, router)
    for thread in beside:
        thread.join()
    crowded(place, found, home.port)
    returns(found, router, before)
    times, bad = small.end()
    found.expect(times and not bad, f"{len(bad)} small requests were not served meanwhile: {bad[:2]}")
    found.number("p99 of small requests alone", alone, "ms")
    found.number("p99 of small requests moves", percentile(times, 0.99) * 1000 - alone, "ms",
                 limit=None if found.scale == "quick" else MOVES)
    found.expect(router.process.poll() is None, "the router has ended")


def guarded(found, part):
    """Notes what stops a part that runs on a thread of its own."""
    try:
        part()
    except (SystemExit, LabError, OSError) as problem:
        found.faults.append(str(problem))


def heads(found, port):
    fields = {
        "a field of 40 KB": (f"X-Large: {'x' * (40 << 10)}\r\n", "/", 431, "head_too_large"),
        "fields of 33 KB": ("".join(f"X-{n}: {'x' * 1000}\r\n" for n in range(33)), "/", 431, "head_too_large"),
        "101 fields": ("".join(f"X-{n}: 1\r\n" for n in range(100)), "/", 431, "head_too_large"),
        "a target of 9 KB": ("", "/" + "x" * (9 << 10), 414, "uri_too_long"),
    }
    for what, (more, target, status, code) in fields.items():
        client = send(connected(port), f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n")
        expect(found, what, answer(client), status, code)
        client.close()
    client = send(connected(port), b"GET / HTTP/1.1\r\nHost: localhost\r\n")
    # A megabyte of it, and no end.
    send(client, *[f"X-{n}: {'x' * 1000}\r\n" for n in range(1000)])
    expect(found, "a head without an end", answer(client), 431, "head_too_large")
    client.close()


def slow_head(found, port):
    """A byte a second of a head, and another that says nothing at all."""
    client, silent, began = connected(port), connected(port), time.monotonic()
    send(client, b"POST / HTTP/1.1\r\nHost: ")
    client.settimeout(1)
    reply = (None, {}, b"")
    while reply[0] is None and time.monotonic() - began < HEAD + 5:
        send(client, b"x")
        reply = answer(client)
        if reply[2] not in (b"timed out",):
            break
    found.times("a slow head is refused", [time.monotonic() - began], HEAD + 2)
    expect(found, "a slow head", reply, 408, "request_timeout")
    found.expect(answer(silent)[0] is None and time.monotonic() - began < HEAD + 3, "a connection that says nothing is kept")
    for each in (client, silent):
        each.close()


def bodies(found, port, router):
    client = send(connected(port), POST + f"Content-Length: {BODY + 1}\r\n\r\n")
    expect(found, "a body of more than 64 MiB", answer(client), 413, "request_too_large")
    client.close()
    client = send(connected(port), POST + "Transfer-Encoding: chunked\r\n\r\n")
    piece = b"x" * MIB
    send(client, *[b"%x\r\n%s\r\n" % (MIB, piece) for _ in range(65)])
    expect(found, "chunks of more than 64 MiB", answer(client), 413, "request_too_large")
    client.close()
    # Without their last byte. An eighth of the room is for small bodies: seven of these fit.
    held, refused = [], []
    for number in range(BODIES // BODY):
        client = send(connected(port), POST + f"Content-Length: {BODY}\r\n\r\n", *[piece] * 63, b"x" * (MIB - 1))
        held.append(client)
        # Two that are read at once may both be the one too many.
        wait_for(lambda: not unread(port), 30, "reading a body of 64 MiB")
    for client in held:
        client.settimeout(1)
        reply = answer(client)
        if reply[0]:
            refused.append(reply)
    found.expect(len(refused) == 1, f"{len(refused)} of {len(held)} bodies of 64 MiB were refused")
    for reply in refused:
        expect(found, "bodies of more than 512 MiB together", reply, 503, "overloaded", retries=True)
    found.number("MB resident with seven of the largest bodies", router.rss())
    for client in held:
        client.close()


def returns(found, router, before):
    began = time.monotonic()
    while router.rss() > before + KEPT and time.monotonic() - began < RETURNS:
        time.sleep(0.2)
    found.number("MB more than before, when they are gone", router.rss() - before, "MB", limit=KEPT)


def crowded(place, found, port):
    """As many connections as are taken, and more."""
    crowd = place.begin(Crowd("idle", port, CONNECTIONS - 10))
    found.expect(crowd.facts["refused"] == 0, f"below the limit: {crowd.facts}")
    more = [connected(port) for _ in range(30)]
    replies = [answer(send(client, b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")) for client in more]
    turned_away = [reply for reply in replies if reply[0] != 200]
    found.expect(15 <= len(turned_away) <= 25, f"{len(turned_away)} of 30 beyond {CONNECTIONS - 10} and another were turned away")
    for reply in turned_away:
        expect(found, "a connection too many", reply, 503, "overloaded", retries=True)
    for client in more:
        client.close()
    whole = crowd.cut()
    found.expect(whole == CONNECTIONS - 10, f"{CONNECTIONS - 10 - whole} of the others were ended")
    time.sleep(0.5)
    client = connected(port)
    reply = answer(send(client, b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    found.expect(reply[0] == 200, f"when they are gone: {reply[0]} {reply[2][:100]}")
    client.close()


def in_a_cluster(place, found, upstream):
    """Other hosts take all connections of the cluster's port: this host's own programs are served on."""
    home = Home(place.folder, "cluster", upstream, made_up(2), tiers=["plan"])
    router = place.begin(home.start())
    small = Small(home.port)
    small.start()
    flood = place.begin(Crowd("silent", home.cluster_port, 1500))
    client = connected(home.cluster_port)
    reply = answer(client)
    # Those beyond the first few are closed without a word.
    found.expect(reply[0] in (503, None), f"beyond the limit of the cluster's port: {reply[0]}")
    client.close()
    client = connected(home.port)
    reply = answer(send(client, b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    found.expect(reply[0] == 200, f"the loopback router beside a flood of the cluster's port: {reply[0]} {reply[2][:100]}")
    client.close()
    time.sleep(1)
    times, bad = small.end()
    found.expect(times and not bad, f"beside a flood of the cluster's port: {len(bad)} small requests were not served: {bad[:2]}")
    flood.cut()

    def is_free():
        client = connected(home.cluster_port)
        reply = answer(send(client, b"GET /llmstack/v1/node HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        client.close()
        return reply[0] == 200

    wait_for(is_free, 5, "the cluster's port after a flood")
    router.stop()
