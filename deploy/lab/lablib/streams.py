"""streams.py: posts the requests that it gets on stdin, all at once, reads each reply byte by byte as it comes, and tells of it.

stdin: {"requests": [{"url": …, "body": {…}, "headers": {…}, "after": seconds, "leaves": seconds, "gone_after": seconds,
                        "gone_at": path}], "timeout": seconds}
       leaves: the connection is closed so long after the first word of the answer; gone_after: after the request was sent; gone_at:
       once this file is there, and the first word, where the request says "leaves", too
Lines of JSON, each with the index of its request and `t`, the moment on time.monotonic():
  {"what": "sent"}                           the request is on its way
  {"what": "head", "status": …, "node": …}   the head of the reply
  {"what": "first"}                          the first event with a word of the answer has come in whole
  {"what": "left"}                           the connection is closed by this side
  {"what": "end", "raw": the body as it came, "is_cut": whether the connection ended before the body did, "failure": …}
"""
import http.client
import json
import os
import re
import sys
import threading
import time
import urllib.parse

job = json.load(sys.stdin)
printing = threading.Lock()
WORD = re.compile(rb'"content":"[^"]')


def tell(index, what, **more):
    with printing:
        print(json.dumps({"index": index, "t": time.monotonic(), "what": what, **more}), flush=True)


def read(index, request, connection, raw):
    """Reads the reply into `raw`. Returns whether this side left."""
    reply = connection.getresponse()
    tell(index, "head", status=reply.status, node=reply.getheader("x-llmstack-node"), reason=reply.getheader("x-llmstack-reason"))
    has_word = False
    while chunk := reply.read1(65536):
        raw += chunk
        if not has_word and WORD.search(raw[:raw.rfind(b"\n\n") + 2]):
            has_word = True
            tell(index, "first")
            if request.get("leaves") is not None:
                time.sleep(request["leaves"])
                await_word(request)
                return True
    return False


def await_word(request):
    """Waits for the file that says that it is time to leave."""
    deadline = time.monotonic() + job.get("timeout", 60)
    while "gone_at" in request and not os.path.exists(request["gone_at"]):
        if time.monotonic() > deadline:
            raise OSError("nobody says when to leave")
        time.sleep(0.002)


def post(index, request):
    url = urllib.parse.urlsplit(request["url"])
    time.sleep(request.get("after", 0))
    raw, end = bytearray(), {"is_cut": False}
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=job.get("timeout", 60))
    try:
        connection.request("POST", url.path, json.dumps(request["body"]),
                           {"Content-Type": "application/json", **request.get("headers", {})})
        tell(index, "sent")
        if "gone_after" in request:
            time.sleep(request["gone_after"])
            await_word(request)
        has_left = "gone_after" in request or read(index, request, connection, raw)
        if has_left:
            now = time.monotonic()
            connection.sock.close() if connection.sock else connection.close()
            tell(index, "left", at=now)
    except (OSError, ValueError, http.client.HTTPException) as problem:
        end = {"is_cut": True, "failure": f"{type(problem).__name__}: {problem}"}
    tell(index, "end", raw=raw.decode(errors="surrogateescape"), **end)


threads = [threading.Thread(target=post, args=item) for item in enumerate(job["requests"])]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
