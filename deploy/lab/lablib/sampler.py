"""sampler.py PORT SECONDS: looks at a llama-server again and again, and prints what it sees as lines of JSON.

{"busy": slots that work, "slots": how many there are, "in_flight": connections that llama-swap holds to it}
"""
import json
import subprocess
import sys
import time
import urllib.request

port, seconds = int(sys.argv[1]), float(sys.argv[2])
deadline = time.monotonic() + seconds
while time.monotonic() < deadline:
    shown = subprocess.run(["ss", "-tnpH", "state", "established", f"( dport = :{port} )"], capture_output=True, text=True).stdout
    # The node agent asks it things too.
    in_flight = sum('"llama-swap' in line for line in shown.splitlines())
    try:
        slots = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/slots", timeout=2))
    except OSError:
        continue
    print(json.dumps({"busy": sum(slot["is_processing"] for slot in slots), "slots": len(slots), "in_flight": in_flight}), flush=True)
    time.sleep(0.01)
