"""Clients of the router as the checks of abuse have them."""
import http.client
import json
import threading
import time

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
