"""A router that is told to end, or to take no more work, with streams in hand."""
import asyncio
import json
import random
import signal
import threading
import time
import urllib.error
import urllib.request

from benchlib import scripted
from benchlib.nodes import made_up, upstream_of
from benchlib.router import Home, fetch
from ..abuse import scripted_upstream
from ..members import each
from ..namespaces import wait_for
from ..report import check

# Seconds that a router which ends gives to what it has in hand.
GRACE = 10
# Seconds in which one that has nothing in hand must end.
EARLY = 5


class Streams(threading.Thread):
    """Streams that are read to their ends."""

    def __init__(self, port, count, seconds):
        super().__init__(daemon=True)
        self.port, self.count, self.seconds = port, count, seconds
        self.begun, self.ends = 0, []

    def run(self):
        asyncio.run(self.all())

    async def all(self):
        await asyncio.gather(*(self.one(number) for number in range(self.count)))

    async def one(self, number):
        began, read = time.monotonic(), b""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            body = scripted.request({"name": f"d{number}", "count": round(self.seconds / 0.2), "interval": 0.2}, stream=True)
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n" % len(body) + body)
            while piece := await reader.read(1 << 16):
                self.begun += not read
                read += piece
                if read.endswith(b"0\r\n\r\n"):
                    break
            writer.close()
        except OSError as problem:
            read += str(problem).encode()
        self.ends.append((b"[DONE]" in read and read.count(b"data: ") == round(self.seconds / 0.2) + 1, time.monotonic() - began, read[:120]))

    def await_all(self):
        wait_for(lambda: self.begun == self.count, 20, f"{self.count} streams to begin; {self.begun} have")


def asked(port, model=scripted.TIER):
    """What becomes of one small request: a status and fields, or the system's word for it."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            reply.read()
            return reply.status, dict(reply.headers), b""
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()
    except OSError as problem:
        return None, {}, str(problem).encode()


def is_refusal(answer):
    """No connection, or a 503 that says when to come back."""
    status, fields, _ = answer
    return status is None or status == 503 and "retry-after" in {name.lower() for name in fields}


@check("drain", hosts=0, quick=True)
def drain(place, found):
    """A router that ends or drains with streams in hand: they come to their ends, new ones are refused, and it ends well."""
    upstream = scripted_upstream(place)
    single = Home(place.folder, "single", upstream, tiers=["plan"], level="notice")
    near, far = pair(place, upstream)
    # Side by side: each is seconds of waiting for streams.
    each([lambda: ends(place, found, "single host", single),
          lambda: (drains(place, found, near, far), ends(place, found, "cluster", far)), lambda: ends_early(place, found)],
         lambda part: part())


def pair(place, upstream):
    """Two homes in one cluster; only the second has the tier."""
    near = Home(place.folder, "near", 1, tiers=["code-fast"], level="notice")
    far = Home(place.folder, "far", upstream, tiers=["plan"], level="notice")
    far.run("cluster", "init", "--open", "--name", "bench")
    identity = ".config/llmstack/cluster.json"
    (near.folder / identity).parent.mkdir(parents=True)
    (near.folder / identity).write_text((far.folder / identity).read_text())
    (near.folder / identity).chmod(0o600)
    near.run("nodes", "add", f"127.0.0.1:{far.cluster_port}")
    return near, far


def knows_slots(home):
    """Whether a router of a cluster has learned how many requests its tier takes at once."""
    try:
        nodes = fetch(home.port, "/llmstack/v1/cluster").get("nodes", [])
    except OSError:
        return False
    return any(tier["slots"] > 1000 for node in nodes if node["self"] for tier in node["tiers"])


def ends(place, found, mode, home):
    """SIGTERM with streams in hand: some have time to finish, others have not."""
    router = place.begin(home.start())
    wait_for(lambda: asked(home.port)[0] == 200, 20, f"{mode}: a first answer; {asked(home.port)}")
    if mode == "cluster":
        wait_for(lambda: knows_slots(home), 10, "a router that knows its slots")
    count = found.count(50, 200, 500)
    short, long = Streams(home.port, count, 4), Streams(home.port, 5, GRACE * 3)
    for streams in (short, long):
        streams.start()
    for streams in (short, long):
        streams.await_all()
    began, status = time.monotonic(), []
    stopping = threading.Thread(target=lambda: status.append(router.stop(signal.SIGTERM)))
    stopping.start()
    time.sleep(0.3)
    refusals = [asked(home.port) for _ in range(10)]
    found.expect(all(map(is_refusal, refusals)), f"{mode}: new requests got {refusals[:2]}")
    if home.others is None and mode == "cluster":
        refusals = [asked(home.cluster_port) for _ in range(3)]
        found.expect(all(map(is_refusal, refusals)), f"{mode}: new requests of others got {refusals[:2]}")
    stopping.join()
    seconds = time.monotonic() - began
    for streams in (short, long):
        streams.join(5)
    lost = [end for end in short.ends if not end[0]]
    found.expect(len(short.ends) == count and not lost, f"{mode}: {len(lost)} of {count} streams in hand were cut: {lost[:1]}")
    found.expect(not any(end[0] for end in long.ends) and len(long.ends) == 5, f"{mode}: what does not end in time is not cut")
    found.number(f"{mode}: streams that came to their ends", len(short.ends) - len(lost))
    found.times(f"{mode}: SIGTERM to exit", [seconds], GRACE + 2)
    found.expect(status == [0], f"{mode}: exit {status}: {router.said()[-300:]}")


def ends_early(place, found):
    """SIGTERM at any moment of a start, with nothing in hand: it ends at once."""
    others = made_up(4)
    (place.folder / "early").mkdir()
    upstream = place.begin(upstream_of(place.folder / "early", others, "upstream"))
    home = Home(place.folder / "early", "home", upstream.port, others, level="notice")
    chance, late = random.Random(1), []
    count = found.count(30, 150, 500)
    for _ in range(count):
        router = home.start(waits=False)
        time.sleep(chance.uniform(0, 0.4))
        began = time.monotonic()
        status = router.stop(signal.SIGTERM, seconds=EARLY)
        # Before it listens to signals it ends as any program does.
        if status not in (0, -signal.SIGTERM):
            late.append((status, time.monotonic() - began))
    found.number("starts that SIGTERM ended", count)
    found.expect(not late, f"{len(late)} of {count} starts were not ended within {EARLY} s, or not well: {late[:3]}")


def drains(place, found, near, far):
    """`llmstack drain` on a node: what others have there comes to its end, they place nothing new, its own host is served."""
    place.begin(near.start())
    router = place.begin(far.start())
    wait_for(lambda: asked(near.port)[0] == 200, 30, f"an answer by the other node; {asked(near.port)}")
    wait_for(lambda: knows_slots(far), 10, "a router that knows its slots")
    # What the other router knows of it is a moment older.
    time.sleep(1)
    count = found.count(20, 100, 300)
    streams = Streams(near.port, count, 4)
    streams.start()
    streams.await_all()
    far.run("drain")
    wait_for(lambda: asked(near.port)[0] == 503, 3, f"a drained node to be asked no more; {asked(near.port)}")
    refusals = [asked(near.port) for _ in range(5)]
    found.expect(all(map(is_refusal, refusals)), f"drain: new requests got {refusals[:2]}")
    code = {json.loads(refusal[2])["error"]["code"] for refusal in refusals}
    found.expect(code == {"no_node_available"}, f"drain: the error is {code}")
    hop = urllib.request.Request(
        f"http://127.0.0.1:{far.cluster_port}/v1/chat/completions", scripted.request({}),
        {"Content-Type": "application/json", "x-llmstack-hop": "1"})
    try:
        urllib.request.urlopen(hop, timeout=10).read()
        found.expect(False, "drain: the node takes what another has placed on it")
    except urllib.error.HTTPError as error:
        found.expect(error.code == 503 and error.headers.get("retry-after"), f"drain: a placed request gets {error.code} {error.read()[:200]}")
    found.expect(asked(far.port)[0] == 200, f"drain: the host's own request got {asked(far.port)}")
    streams.join(15)
    lost = [end for end in streams.ends if not end[0]]
    found.expect(len(streams.ends) == count and not lost, f"drain: {len(lost)} of {count} streams in hand were cut: {lost[:1]}")
    found.number("drain: streams that came to their ends", len(streams.ends) - len(lost))
    far.run("drain", "--undo")
    wait_for(lambda: asked(near.port)[0] == 200, 5, f"a node that takes work again; {asked(near.port)}")
    router.stop()
