"""Commands in a host whose lines are kept with the moment at which they came."""
import json
import pathlib
import sys
import threading
import time

from .namespaces import LabError

SSE = pathlib.Path(__file__).with_name("sse.py")


class Follow:
    """A running command; `lines` holds (moment on time.monotonic(), what a line meant). Lines that mean nothing are left out."""

    def __init__(self, host, words, read=lambda line: line, **options):
        self.host, self.words, self.read = host, words, read
        self.lines = []
        self.changed = threading.Condition()
        self.process = host.begin(*words, bufsize=1, **options)
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self):
        for line in self.process.stdout:
            now = time.monotonic()
            try:
                value = self.read(line.rstrip("\n"))
            except (ValueError, KeyError, IndexError):
                continue
            if value is not None:
                with self.changed:
                    self.lines.append((now, value))
                    self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    @property
    def mark(self):
        """Lines that come from now on have this number or a higher one."""
        with self.changed:
            return len(self.lines)

    @property
    def last(self):
        with self.changed:
            return self.lines[-1][1] if self.lines else None

    def wait(self, condition, seconds, since=0, what="a line"):
        """The moment and meaning of the first line, from number `since` on, that meets the condition."""
        deadline = time.monotonic() + seconds
        with self.changed:
            looked = since
            while True:
                while looked < len(self.lines):
                    if condition(self.lines[looked][1]):
                        return self.lines[looked]
                    looked += 1
                left = deadline - time.monotonic()
                if left <= 0 or self.process.poll() is not None and looked == len(self.lines):
                    ended = "" if self.process.poll() is None else f" (it ended with {self.process.returncode})"
                    last = str(self.lines[-1][1])[:600] if self.lines else "none"
                    raise LabError(f"{what}: not in {seconds} s from `{' '.join(map(str, self.words))}` on "
                                   f"{self.host.name}{ended}; its last line: {last}")
                self.changed.wait(min(left, 0.2))

    def end(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def watch(host):
    """Follows `llmstack nodes --watch --json`."""
    return Follow(host, ["llmstack", "nodes", "--watch", "--json"], json.loads)


def events(host, url):
    """Follows server-sent events: each a dict of `event`, `data` (decoded) and `t`, when it came, on time.monotonic()."""
    return Follow(host, [sys.executable, SSE, url], json.loads)


def browse(host, service="_llmstack._tcp"):
    """Follows avahi-browse: each line a dict of `what` (+, -, =), `name`, `host`, `address`, `port`, `txt`."""
    return Follow(host, ["stdbuf", "-oL", "avahi-browse", "-rp", service], browsed)


def browse_once(host, service="_llmstack._tcp"):
    """What `avahi-browse -rt` resolves, as dicts like those of `browse`."""
    done = host.run("avahi-browse", "-rtp", service, check=False, timeout=30)
    return [entry for entry in map(browsed, done.stdout.splitlines()) if entry and entry["what"] == "="]


def browsed(line):
    fields = line.split(";")
    if fields[0] not in ("+", "-", "="):
        return None
    entry = {"what": fields[0], "interface": fields[1], "protocol": fields[2], "name": unescaped(fields[3])}
    if fields[0] == "=":
        txt = ";".join(fields[9:])
        entry |= {"host": fields[6], "address": fields[7], "port": int(fields[8]),
                  "txt": dict(part.partition("=")[::2] for part in txt.strip('"').split('" "'))}
    return entry


def unescaped(name):
    """avahi-browse writes a byte that is no letter or digit as a backslash and three decimal digits."""
    result, rest = bytearray(), name.encode()
    while rest:
        if rest[:1] == b"\\" and rest[1:4].isdigit():
            result.append(int(rest[1:4]))
            rest = rest[4:]
        elif rest[:1] == b"\\":
            result += rest[1:2]
            rest = rest[2:]
        else:
            result += rest[:1]
            rest = rest[1:]
    return result.decode(errors="replace")
