"""An upstream that answers by script: all that llmstack asks llama-swap and llama-server, for one tier.

scripted.py PORT...   listens on these ports of loopback

The text of the first message of a request is its script, as JSON: {"name", "count", "interval"} makes a stream of `count` chunks, one
every `interval` seconds, each unlike any other; {"size"} a reply of that many bytes; anything else a small reply.
"""
import asyncio
import hashlib
import json
import resource
import sys

TIER = "plan"


def chunk(name, number):
    """A line of a stream, unlike any other."""
    text = hashlib.sha256(f"{name}:{number}".encode()).hexdigest() * 2
    return ("data: " + json.dumps({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]})).encode()


def request(script, stream=False):
    """The body of a request with a script."""
    return json.dumps({"model": TIER, "stream": stream, "messages": [{"role": "user", "content": json.dumps(script)}]}).encode()


def script_of(body):
    try:
        script = json.loads(json.loads(body)["messages"][0]["content"])
    except (ValueError, KeyError, IndexError, TypeError):
        script = {}
    return script if isinstance(script, dict) else {}


async def head_and_body(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    return head.split(" ")[:2], await reader.readexactly(int(fields.get("content-length", 0)))


def plain(writer, document):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data) + data)


def piece(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


async def stream(writer, script):
    for number in range(script["count"]):
        writer.write(piece(chunk(script["name"], number) + b"\n\n"))
        await writer.drain()
        await asyncio.sleep(script["interval"])
    writer.write(piece(b"data: [DONE]\n\n") + b"0\r\n\r\n")


def serve(server_port):
    """What serves a connection. server_port: where the tier's llama-server is to be asked."""
    started = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def answer(reader, writer):
        (method, path), body = await head_and_body(reader)
        script = script_of(body) if method == "POST" else {}
        if path == "/running":
            plain(writer, {"running": [{"model": TIER, "state": "ready", "cmd": "", "proxy": f"http://localhost:{server_port}"}]})
        elif path == "/props":
            plain(writer, {"total_slots": 2048, "default_generation_settings": {"n_ctx": 32768}})
        elif path == "/v1/models":
            plain(writer, {"object": "list", "data": [{"id": TIER, "object": "model"}]})
        elif path == "/api/events":
            states = json.dumps({"type": "modelStatus", "data": json.dumps([{"id": TIER, "state": "ready"}])})
            writer.write(started + piece(f"event:message\ndata:{states}\n\n".encode()))
            await reader.read()
            return False
        elif "count" in script:
            writer.write(started)
            await stream(writer, script)
        elif "size" in script:
            plain(writer, {"object": "chat.completion", "choices": [{"index": 0, "message": {"content": "x" * script["size"]}}]})
        else:
            plain(writer, b"{}")
        await writer.drain()
        return True

    async def connection(reader, writer):
        try:
            while await answer(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    return connection


async def upstream(ports):
    servers = [await asyncio.start_server(serve(ports[-1]), "127.0.0.1", port, backlog=4096) for port in ports]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    asyncio.run(upstream([int(port) for port in sys.argv[1:]]))
