"""load.py: keeps a router busy: some workers post the requests that it gets on stdin, one after the other, over and over.

stdin: {"url": …, "bodies": […], "workers": …, "count": requests in all, or null, "seconds": until no more are begun, or null,
        "pause": seconds of a worker between two, "timeout": seconds of one}
line:  {"number": …, "t": moment of its start on time.monotonic(), "seconds": …, "status": …, "node": …, "code": of an error,
        "is_served": whether a whole answer came, "failure": …}
"""
import http.client
import itertools
import json
import sys
import threading
import time
import urllib.parse

job = json.load(sys.stdin)
url = urllib.parse.urlsplit(job["url"])
printing, numbers = threading.Lock(), itertools.count()
deadline = time.monotonic() + (job.get("seconds") or 1e9)


def post(number):
    body, began = job["bodies"][number % len(job["bodies"])], time.monotonic()
    found = {"number": number, "t": began, "is_served": False}
    try:
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=job.get("timeout") or 60)
        connection.request("POST", url.path, json.dumps(body), {"Content-Type": "application/json"})
        reply = connection.getresponse()
        found |= {"status": reply.status, "node": reply.getheader("x-llmstack-node")}
        text = reply.read().decode(errors="replace")
        if reply.status == 200 and body.get("stream"):
            found["is_served"] = text.endswith("data: [DONE]\n\n") and 'data: {"error"' not in text
        elif reply.status == 200:
            found["is_served"] = bool(json.loads(text)["choices"])
        if not found["is_served"]:
            found["code"] = text[-300:]
        connection.close()
    except (OSError, ValueError, KeyError, http.client.HTTPException) as problem:
        found["failure"] = f"{type(problem).__name__}: {problem}"
    found["seconds"] = time.monotonic() - began
    with printing:
        print(json.dumps(found), flush=True)


def work():
    while time.monotonic() < deadline:
        number = next(numbers)
        if job.get("count") is not None and number >= job["count"]:
            return
        post(number)
        time.sleep(job.get("pause") or 0)


workers = [threading.Thread(target=work) for _ in range(job["workers"])]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
