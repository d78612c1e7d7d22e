"""slots.py PORT: prints each change of the number of a llama-server's slots that work, with the moment on time.monotonic()."""
import http.client
import json
import sys
import time

connection, known = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10), None
while True:
    connection.request("GET", "/slots")
    busy = sum(slot["is_processing"] for slot in json.load(connection.getresponse()))
    if busy != known:
        known = busy
        print(json.dumps({"t": time.monotonic(), "busy": busy}), flush=True)
    time.sleep(0.005)
