"""Programs that are started for a while, and what they use. Linux only."""
import itertools
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROUTER = pathlib.Path(os.environ.get("LLMSTACK_BIN") or ROOT / ".build/release/llmstack")


# Below those that the kernel gives to connections, and no port twice: a router's is its own while it is down, too.
PORTS = itertools.count(20_000 + os.getpid() % 50 * 200)


def free_port():
    """A port of loopback at which nobody listens, and that no one else of this program gets."""
    for port in PORTS:
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Process:
    """A program that listens on a port of loopback.

    log: a file that gets what it says; else nobody does
    waits: until it listens
    """

    def __init__(self, name, argv, port, log=None, waits=True, **more):
        self.name, self.port, self.log = name, port, log
        with open(log or os.devnull, "ab") as output:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, **more)
        deadline = time.time() + 10
        while waits:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return
            except OSError:
                if self.process.poll() is not None or time.time() > deadline:
                    sys.exit(f"{name} does not listen on port {port}: {' '.join(map(str, argv))}")
                time.sleep(0.02)

    def pids(self):
        """The process and its children (nginx's workers)."""
        pid = self.process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid] + [int(c) for c in children]

    def cpu(self):
        """Seconds that all its threads have run."""
        total = 0
        for pid in self.pids():
            for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
                total += int(stat.read_text().split()[0])
        return total / 1e9

    def rss(self):
        """MB resident, the largest of its processes."""
        return max(int(pathlib.Path(f"/proc/{p}/statm").read_text().split()[1]) for p in self.pids()) * os.sysconf("SC_PAGESIZE") / 1e6

    def files(self):
        """How many files it has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def clients(self):
        """How many connections it holds that came to its port."""
        lines = [line.split() for name in ("tcp", "tcp6") for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
        # Not the one that listens, and none that the kernel ends by itself, which belongs to nobody.
        return sum(fields[1].endswith(f":{self.port:04X}") and fields[3] != "0A" and fields[9] != "0" for fields in lines)

    def said(self):
        """What it has said so far, where that goes to a file."""
        return pathlib.Path(self.log).read_text(errors="replace")

    def stop(self, number=signal.SIGTERM, seconds=60):
        """Ends it, and returns its exit status; None where it had to be killed after so many seconds."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return None


def nginx(folder, name, server, workers=1, connections=1024):
    """nginx with the server that a text describes, in which PORT stands for its port."""
    folder = folder / name
    folder.mkdir()
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(f"""
worker_processes {workers}; pid {folder}/pid; error_log {folder}/error.log; daemon off;
events {{ worker_connections {connections}; }}
http {{
  access_log off; client_max_body_size 66m; client_body_buffer_size 66m; keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {server.replace('PORT', str(port))}
}}
""")
    return Process(name, ["nginx", "-p", str(folder), "-c", str(config)], port)
