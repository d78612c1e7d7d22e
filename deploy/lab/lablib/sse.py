"""sse.py URL: prints each server-sent event as a line of JSON, with the moment at which its end was read."""
import http.client
import json
import sys
import time
import urllib.parse

url = urllib.parse.urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
connection.request("GET", url.path or "/", headers={"Accept": "text/event-stream"})
reply = connection.getresponse()
if reply.status != 200:
    sys.exit(f"{sys.argv[1]}: {reply.status}")
event, data = "message", []
for raw in iter(reply.readline, b""):
    line = raw.decode().rstrip("\r\n")
    if line.startswith("event:"):
        event = line[6:].strip()
    elif line.startswith("data:"):
        data.append(line[5:].strip())
    elif not line and (data or event != "message"):
        moment, text = time.monotonic(), "\n".join(data)
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        print(json.dumps({"t": moment, "event": event, "data": value}), flush=True)
        event, data = "message", []
