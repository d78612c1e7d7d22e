"""Routers, each in a home of its own."""
import json
import os
import subprocess
import sys
import time
import urllib.request

from .nodes import SLOTS, TIERS, models
from .processes import ROUTER, Process, free_port


def fetch(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
        return json.load(reply)


class Home:
    """What a router needs to serve its tiers, in a folder: it may be started there again and again.

    upstream: the port of what stands in for its llama-swap
    others: the nodes that are made up for its cluster; without them it serves this host alone
    level: of its log, which is log.txt in the folder
    """

    def __init__(self, folder, name, upstream, others=None, tiers=TIERS, level="error"):
        self.name, self.others = name, others
        self.folder = folder / name.replace(" ", "-")
        weights = self.folder / ".cache/huggingface/hub/models--made-up--words/snapshots/0"
        for needed in (weights, self.folder / "tmp"):
            needed.mkdir(parents=True)
        (weights / "tiny.gguf").write_bytes(b"GGUF" + bytes(1 << 20))
        (self.folder / "models.ini").write_text(models(*tiers))
        self.port, self.cluster_port = free_port(), free_port()
        self.log = self.folder / "log.txt"
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "TMPDIR": f"{self.folder}/tmp",
            "LLMSTACK_WORK_DIR": str(self.folder), "ROUTER_PORT": str(self.port),
            "LLMSTACK_CLUSTER_PORT": str(self.cluster_port), "LLMSTACK_DISCOVERY": "none",
            "LLMSTACK_MODELS_INI": f"{self.folder}/models.ini", "LLAMA_SWAP_URL": f"http://127.0.0.1:{upstream}",
            "LOG_LEVEL": level}
        if others:
            self.run("cluster", "init", "--open", "--name", "bench")
            others.cluster = json.loads((self.folder / ".config/llmstack/cluster.json").read_text())["id"]
            for other in others.ports[1:]:
                self.run("nodes", "add", f"127.0.0.1:{other}")

    @property
    def ledger(self):
        return self.folder / ".local/state/llmstack/state.db"

    def run(self, *words, check=True):
        """Runs `llmstack` there to its end."""
        done = subprocess.run([ROUTER, *words], env=self.environment, cwd=self.folder, capture_output=True, text=True)
        if check and done.returncode:
            sys.exit(f"llmstack {' '.join(words)}: {done.stderr.strip()}")
        return done

    def start(self, waits=True):
        """Starts the router, and waits until it serves as one of its cluster; waits: else it is only started."""
        return Router(self, waits)


class Router(Process):
    def __init__(self, home, waits):
        self.home = home
        super().__init__(
            home.name, [ROUTER, "router"], home.port, log=home.log, waits=waits, env=home.environment, cwd=home.folder)
        try:
            if home.others and waits:
                self.wait_for(home.others.count + 1)
        except BaseException:
            self.stop()
            raise

    def wait_for(self, count, seconds=30):
        """Until it knows that many nodes to be well, itself among them, and serves its own tiers itself. Those that are restless
        need not be well now."""
        least = count - (self.home.others.restless if self.home.others else 0)
        deadline = time.time() + seconds
        while True:
            try:
                # Until it has joined, what answers is llama-swap.
                nodes = fetch(self.port, "/llmstack/v1/cluster").get("nodes", [])
            except OSError:
                nodes = []
            well = [node for node in nodes if any(tier["state"] == "ready" for tier in node["tiers"])]
            own = [tier for node in nodes if node["self"] for tier in node["tiers"]]
            if least <= len(well) <= count and own and all(tier["slots"] >= SLOTS for tier in own):
                return
            if time.time() > deadline:
                sys.exit(f"{self.name}: knows {len(well)} nodes that are well, of {count}; its own tiers: {own}")
            time.sleep(0.1)
