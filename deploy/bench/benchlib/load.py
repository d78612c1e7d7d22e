"""Requests by wrk, as many as it can send."""
import json
import subprocess
import sys


def body(size, model):
    """A chat request of about `size` bytes whose text holds no trigger and no phrase."""
    words = "The quick brown fox jumps over the lazy dog and thinks about dinner again. "
    frame = json.dumps({"model": model, "stream": False, "messages": [{"role": "user", "content": "@"}]})
    return frame.replace("@", (words * (size // len(words) + 1))[: max(size - len(frame), 1)])


def wrk(folder, size, model, connections, pause=0):
    """The command line of wrk with such requests, to which -dNs and an URL are added; `counted` reads what it prints.

    pause: milliseconds that each connection waits after a reply
    """
    script, payload = folder / "post.lua", folder / "payload"
    payload.write_text(body(size, model))
    script.write_text(f"""
wrk.method = "POST"; wrk.headers["Content-Type"] = "application/json"
local f = io.open("{payload}", "r"); wrk.body = f:read("*a"); f:close()
{f'delay = function() return {pause} end' if pause else ''}
done = function(summary) io.write(string.format("@ %d %d %d\\n", summary.requests, summary.duration, summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout + summary.errors.connect)) end
""")
    return ["wrk", "-t1", f"-c{connections}", "-s", str(script)]


def counted(output):
    """Requests, microseconds and errors, as wrk said."""
    return tuple(map(int, output.rsplit("@", 1)[1].split()))


def measure(process, size, model, folder, options):
    """CPU microseconds of a process for each request, and requests a second."""
    url = f"http://127.0.0.1:{process.port}/v1/chat/completions"
    command = wrk(folder, size, model, options.connections)
    subprocess.run(command + ["-d1s", url], capture_output=True, check=True)
    before = process.cpu()
    output = subprocess.run(command + [f"-d{options.seconds}s", url], capture_output=True, text=True, check=True).stdout
    used = process.cpu() - before
    requests, micros, errors = counted(output)
    if errors or not requests:
        sys.exit(f"{process.name}: {errors} errors in {requests} requests of {size} bytes for {model}")
    return used / requests * 1e6, requests / micros * 1e6
