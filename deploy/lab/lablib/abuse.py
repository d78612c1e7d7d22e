"""Clients of the router as the checks of abuse have them."""
import http.client
import json
import pathlib
import subprocess
import sys
import threading
import time

from benchlib import scripted
from benchlib.nodes import ANSWER
from benchlib.processes import Process, free_port, nginx
from .namespaces import LabError
from .report import percentile

CROWD = pathlib.Path(__file__).with_name("crowd.py")
SCRIPTED = scripted.__file__
BODY = json.dumps({"model": "plan", "prompt": "hi"})


class Small(threading.Thread):
    """Small requests, one after the other, and how long each took."""

    def __init__(self, port, path="/v1/completions", pause=0.01):
        super().__init__(daemon=True)
        self.port, self.path, self.pause = port, path, pause
        self.times, self.bad, self.is_over = [], [], threading.Event()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.is_over.wait(self.pause):
            began = time.perf_counter()
            try:
                connection.request("POST", self.path, BODY, {"Content-Type": "application/json"})
                reply = connection.getresponse()
                said = reply.read()
                if reply.status == 200:
                    self.times.append(time.perf_counter() - began)
                else:
                    self.bad.append(f"{reply.status} {said[:200]}")
            except (OSError, http.client.HTTPException) as problem:
                self.bad.append(f"{type(problem).__name__}: {problem}")
                connection.close()

    def end(self):
        """The seconds that each took, and what became of the others."""
        self.is_over.set()
        self.join()
        return self.times, self.bad


class Crowd:
    """Clients of a kind that nobody wants, as crowd.py has them."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [sys.executable, CROWD, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = self.line()

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise LabError(f"the crowd has ended with {self.process.wait()}")
        return json.loads(line)

    def cut(self):
        """Cuts them all at once. Returns how many connections were open till then."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        whole = self.line()["whole"]
        self.process.wait(30)
        return whole

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def measured(port, seconds, meanwhile=lambda: None):
    """Small requests for a while: the milliseconds of their p50 and p99, and what became of those that were not served.

    meanwhile: what is done after half of that time
    """
    small = Small(port)
    small.start()
    time.sleep(seconds / 2)
    meanwhile()
    time.sleep(seconds / 2)
    times, bad = small.end()
    if not times:
        raise LabError(f"no small request was served: {bad[:2]}")
    return percentile(times, 0.5) * 1000, percentile(times, 0.99) * 1000, bad


def scripted_upstream(place):
    """What answers chat by script, and completions at once. Returns its port."""
    ports = [free_port(), free_port()]
    place.begin(Process("scripted", [sys.executable, SCRIPTED, *map(str, ports)], ports[0]))
    return place.begin(nginx(place.folder, "upstream", f"""
        upstream scripted {{ server 127.0.0.1:{ports[0]}; }}
        server {{ listen 127.0.0.1:PORT; default_type application/json; proxy_buffering off; proxy_read_timeout 1h;
        location / {{ proxy_pass http://scripted; proxy_http_version 1.1; }}
        location = /v1/completions {{ return 200 '{ANSWER}'; }} }}""", connections=8192)).port
