"""crowd.py KIND PORT COUNT...: many clients of a router at once, of a kind that nobody wants.

  slow PORT COUNT SIZE       each asks for a reply of SIZE bytes, and reads one byte of it a second
  stalled PORT COUNT SIZE    each asks for a reply of SIZE bytes, and reads its head
  idle PORT COUNT            each asks once, and keeps the connection
  silent PORT COUNT          each connects, and sends nothing
  streams PORT COUNT S       each reads a stream that has a chunk every S seconds

Prints a line of JSON when all are there: {"ready": how many, "refused": how many were answered otherwise or not at all}. On a line of
stdin, or its end, they are cut at once, without a word; {"whole": how many connections were open till then} is printed before that.
"""
import json
import pathlib
import resource
import select
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
from benchlib import scripted  # noqa: E402

kind, port, count, *more = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def posted(path, body):
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def request(number):
    if kind in ("slow", "stalled"):
        return posted("/v1/chat/completions", scripted.request({"size": int(more[0])}))
    if kind == "idle":
        return posted("/v1/completions", b'{"model": "plan", "prompt": "hi"}')
    if kind == "streams":
        return posted("/v1/chat/completions", scripted.request({"name": f"c{number}", "count": 100_000, "interval": float(more[0])}, True))
    return b""


def begin(number):
    client = socket.socket()
    if kind in ("slow", "stalled"):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(10)
    client.connect(("127.0.0.1", int(port)))
    client.sendall(request(number))
    return client


def is_answered(client):
    if kind == "silent":
        return True
    wanted = 15 if kind in ("slow", "stalled") else 4096
    return client.recv(wanted).startswith(b"HTTP/1.1 200")


def answered(client):
    try:
        return is_answered(client)
    except OSError:
        return False


def drained(client):
    """Takes what has come. Returns whether the connection is still open."""
    try:
        return client.recv(1 if kind == "slow" else 1 << 16) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


begun = []
for number in range(int(count)):
    begun.append(begin(number))
    # No faster than a backlog takes them.
    if number % 20 == 19:
        time.sleep(0.02)
clients = [client for client in begun if answered(client)]
print(json.dumps({"ready": len(clients), "refused": len(begun) - len(clients)}), flush=True)
for client in clients:
    client.setblocking(False)
poll = select.poll()
for client in [] if kind in ("slow", "stalled") else clients:
    poll.register(client, select.POLLIN)
by_number = {client.fileno(): client for client in clients}
poll.register(0, select.POLLIN | select.POLLHUP)
open_ones, last = set(by_number), time.monotonic()
is_over = False
while not is_over:
    for number, _ in poll.poll(1000):
        if number == 0:
            is_over = True
        elif not drained(by_number[number]):
            poll.unregister(number)
            open_ones.discard(number)
    if kind == "slow" and time.monotonic() - last >= 1:
        last = time.monotonic()
        open_ones = {number for number in open_ones if drained(by_number[number])}
print(json.dumps({"whole": len(open_ones)}), flush=True)
for client in clients:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
for client in clients:
    client.close()
