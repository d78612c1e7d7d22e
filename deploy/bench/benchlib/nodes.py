"""Nodes of a cluster that are made up, and the upstream of the one that is real."""
import asyncio
import json
import math
import random
import threading
import time

from .processes import nginx

SLOTS = 64
TIERS = {"code-fast": "role = fast", "code-smart": "role = agent", "plan": "tier = chat\nrole = plan"}
COMMON = """[DEFAULT]
ctx_size = 65536
tier = code
hf_repo = made-up/words
hf_file = tiny.gguf
size_gb = 0.01
quant = F16
"""


def models(*names):
    """The text of a models.ini with these tiers."""
    return COMMON + "".join(f"\n[{name}]\n{TIERS[name]}\n" for name in names)


ANSWER = json.dumps({
    "id": "c", "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "x" * 1400}}],
    "usage": {"prompt_tokens": 500, "completion_tokens": 100, "total_tokens": 600},
    "timings": {"cache_n": 0, "prompt_n": 500, "prompt_ms": 100.0, "prompt_per_second": 5000.0, "predicted_n": 100,
                "predicted_ms": 1000.0, "predicted_per_second": 100.0}})


class Others(threading.Thread):
    """Other nodes, and what a llama-swap says of itself: all that is asked, once at most, and told slowly.

    restless: how many of them break off their events again and again
    slots: of the llama-swap's tiers
    accepting: whether the others take work; they cannot do any
    """

    def __init__(self, count, cluster, restless=0, slots=SLOTS, accepting=True):
        super().__init__(daemon=True)
        self.count, self.cluster, self.restless, self.slots, self.accepting = count, cluster, restless, slots, accepting
        self.ports, self.ready, self.placed = [], threading.Event(), 0
        self.pings, self.epoch = 0, int(time.time() * 1000)

    def run(self):
        asyncio.run(self.serve())

    async def serve(self):
        # The first is llama-swap's.
        for number in range(self.count + 1):
            server = await asyncio.start_server(lambda r, w, n=number: self.answer(n, r, w), "127.0.0.1", 0)
            self.ports.append(server.sockets[0].getsockname()[1])
        self.ready.set()
        await asyncio.Event().wait()

    def description(self, number):
        tiers = [{
            "name": name, "aliases": [], "role": "agent", "backend": "gguf", "shared": True, "state": "ready", "slots": 1,
            "fingerprint": {"family": "made-up/words", "file": "tiny.gguf", "quant": "F16", "ctx": 65536},
            "busy": 0, "queued": 0, "speed": {}} for name in TIERS]
        return {
            "id": f"madeupnode{number:06}", "name": f"other-{number}", "cluster": self.cluster, "cluster_name": "bench",
            "version": "9.9.9", "protocol": 1, "epoch": self.epoch, "seq": 1,
            "machine": {"platform": "linux/x86_64", "model_memory_bytes": 1 << 34, "memory_bytes": 1 << 34},
            "tiers": tiers, "resident_sets": [list(TIERS)], "policy": {"share": list(TIERS), "accepting": self.accepting},
            "power": {"source": "mains"}}

    async def answer(self, number, reader, writer):
        try:
            while True:
                path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
                if path in ("/llmstack/v1/events", "/api/events"):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
                    return await (self.tell_states(writer) if number == 0 else self.tell(number, writer))
                found = self.page(number, path)
                if found is None:
                    self.placed += path.startswith("/v1/")
                body = json.dumps(found).encode()
                status = "404 Not Found" if found is None else "200 OK"
                writer.write(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def page(self, number, path):
        if number:
            return self.description(number) if path == "/llmstack/v1/node" else None
        if path == "/running":
            return {"running": [{"model": name, "state": "ready", "proxy": f"http://127.0.0.1:{self.ports[0]}"} for name in TIERS]}
        if path == "/props":
            return {"total_slots": self.slots, "default_generation_settings": {"n_ctx": 65536}}
        return None

    async def tell(self, number, writer):
        writer.write(b"event: state\ndata: " + json.dumps(self.description(number)).encode() + b"\n\n")
        end = time.monotonic() + random.uniform(0.2, 1.5) if number <= self.restless else math.inf
        while time.monotonic() < end:
            writer.write(b"event: ping\ndata: {}\n\n")
            await writer.drain()
            self.pings += 1
            await asyncio.sleep(min(1, end - time.monotonic()))

    async def tell_states(self, writer):
        models = [{"id": name, "state": "ready"} for name in TIERS]
        writer.write(b"event: message\ndata: " + json.dumps({"type": "modelStatus", "data": json.dumps(models)}).encode() + b"\n\n")
        while True:
            await writer.drain()
            await asyncio.sleep(60)


def made_up(count, **options):
    others = Others(count, None, **options)
    others.start()
    others.ready.wait()
    return others


def upstream_of(folder, others, name):
    return nginx(folder, name, f"""server {{ listen 127.0.0.1:PORT; default_type application/json;
    location / {{ return 200 '{ANSWER}'; }}
    location ~ ^/(api/events|running)$ {{ proxy_pass http://127.0.0.1:{others.ports[0]}; proxy_buffering off; proxy_read_timeout 1h; proxy_http_version 1.1; }} }}""")
