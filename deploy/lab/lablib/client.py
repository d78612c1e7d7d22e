"""client.py: posts the requests that it gets on stdin, all at once, and prints what became of each as a line of JSON.

stdin: {"requests": [{"url": …, "body": {…}, "headers": {…}, "after": seconds}], "timeout": seconds}
line:  {"index": …, "began": moment on time.monotonic(), "status": …, "headers": {names in lower case}, "first": seconds to the
        first word of an answer, "seconds": to its end, "text": answer or error, "code": of an error, "usage": …, "timings": …,
        "is_whole": whether a stream came to its end; for others, whether the reply did}
"""
import http.client
import json
import sys
import threading
import time
import urllib.parse

job = json.load(sys.stdin)
printing = threading.Lock()


def words(chunk):
    """What a chunk of a stream, or a reply, has of an answer."""
    for choice in chunk.get("choices") or []:
        part = choice.get("delta") or choice.get("message") or choice
        return part.get("content") or part.get("text") or ""
    return ""


def stream(reply, found, began):
    for raw in iter(reply.readline, b""):
        line = raw.decode(errors="replace").strip()
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            found["is_whole"] = True
            continue
        chunk = json.loads(data)
        if "error" in chunk:
            found["code"], found["text"] = chunk["error"].get("code"), chunk["error"].get("message")
        text = words(chunk)
        if text and "first" not in found:
            found["first"] = time.monotonic() - began
        found["text"] = found.get("text", "") + text
        for key in ("usage", "timings"):
            if chunk.get(key):
                found[key] = chunk[key]


def whole(reply, found, began):
    data = reply.read()
    found["is_whole"] = True
    try:
        document = json.loads(data)
    except ValueError:
        found["text"] = data.decode(errors="replace")[:500]
        return
    if isinstance(document.get("error"), dict):
        found["code"], found["text"] = document["error"].get("code"), document["error"].get("message")
    elif "choices" in document:
        found["first"] = time.monotonic() - began
        found["text"] = words(document)
        found |= {key: document[key] for key in ("usage", "timings", "model") if key in document}
    else:
        found["document"] = document


def post(index, request):
    url = urllib.parse.urlsplit(request["url"])
    time.sleep(request.get("after", 0))
    began = time.monotonic()
    found = {"index": index, "began": began, "is_whole": False}
    try:
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=job.get("timeout", 60))
        connection.request("POST", url.path, json.dumps(request["body"]),
                           {"Content-Type": "application/json", **request.get("headers", {})})
        reply = connection.getresponse()
        found |= {"status": reply.status, "headers": {name.lower(): value for name, value in reply.getheaders()}}
        is_stream = "event-stream" in found["headers"].get("content-type", "")
        (stream if is_stream else whole)(reply, found, began)
    except (OSError, ValueError, http.client.HTTPException) as problem:
        found["failure"] = f"{type(problem).__name__}: {problem}"
    found["seconds"] = time.monotonic() - began
    with printing:
        print(json.dumps(found), flush=True)


threads = [threading.Thread(target=post, args=item) for item in enumerate(job["requests"])]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
