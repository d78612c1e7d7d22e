"""A lab: a switch in a namespace, hosts on it, and a folder that says what there is."""
import concurrent.futures
import ipaddress
import json
import os
import pathlib
import shutil
import signal

from . import namespaces, stack
from .host import Host
from .namespaces import Impossible, LabError, Process, run, wait_for

DEFAULT_FOLDER = pathlib.Path(os.environ.get("LLMSTACK_LAB") or f"/tmp/llmstack-lab-{os.getuid()}")


class Lab:
    """A lab that is up. `Lab.up` makes one, `Lab.open` finds the one of a folder."""

    def __init__(self, folder, facts):
        self.folder = folder
        self.in_user_namespace = facts["in_user_namespace"]
        self.network = ipaddress.ip_network(facts["network"])
        self.has_ipv4, self.has_ipv6 = facts["ipv4"], facts["ipv6"]
        self.switch = Process(*facts["switch"])
        self.hosts = {name: Host(self, name, Process(*process)) for name, process in facts["hosts"].items()}
        self.outer = []

    @classmethod
    def open(cls, folder=DEFAULT_FOLDER):
        lab = cls.remains(folder)
        if not lab.switch.alive:
            raise LabError(f"the lab in {folder} has ended (the machine was started anew?)\n  fix: hosts down")
        return lab

    @classmethod
    def remains(cls, folder):
        """The lab of a folder, ended or not."""
        folder = pathlib.Path(folder)
        try:
            return cls(folder, json.loads((folder / "lab.json").read_text()))
        except FileNotFoundError:
            raise LabError(f"there is no lab in {folder}\n  fix: hosts up, or --state with the folder of yours") from None

    @classmethod
    def up(cls, count=3, folder=DEFAULT_FOLDER, network="10.77.0.0/24", ipv4=True, ipv6=False, tied=False):
        """Makes a lab, or adds hosts to the one of the folder. tied: it ends when this program ends."""
        folder = pathlib.Path(folder).absolute()
        if str(folder).startswith(("/run/", "/var/run/", "/proc/", "/sys/")):
            raise LabError(f"{folder} is hidden inside of a host\n  fix: a folder elsewhere, such as /tmp/my-lab")
        if (folder / "lab.json").exists():
            lab = cls.open(folder)
            lab.add(count)
            return lab
        namespaces.require()
        if missing := stack.missing():
            raise Impossible(f"missing: {', '.join(missing)}\n  fix: deploy/test builds and brings it")
        in_user_namespace = namespaces.needs_user_namespace()
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise LabError(f"{folder} has other files in it\n  fix: name an empty or a new folder")
        switch, outer = namespaces.make(in_user_namespace=in_user_namespace, tied=tied)
        lab = cls(folder, {
            "in_user_namespace": in_user_namespace, "network": network, "ipv4": ipv4, "ipv6": ipv6,
            "switch": [switch.pid, switch.started], "hosts": {}})
        lab.outer.append(outer)
        lab.save()
        try:
            lab.in_switch("sh", "-ec", "ip link set lo up; ip link add br0 type bridge stp_state 0 forward_delay 0 "
                          "mcast_snooping 0; echo 1 >/proc/sys/net/ipv6/conf/br0/disable_ipv6; ip link set br0 up")
            lab.add(count)
        except BaseException:
            lab.down()
            raise
        return lab

    def add(self, count):
        """Makes the hosts up to hN that are not there."""
        new = [f"h{number}" for number in range(1, count + 1) if f"h{number}" not in self.hosts]
        for name in new:
            process, outer = namespaces.make(self.switch, self.in_user_namespace)
            self.outer.append(outer)
            self.hosts[name] = Host(self, name, process)
            self.save()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda name: (self.hosts[name].build(), self.hosts[name].boot()), new))

    def down(self, keep=False):
        """Ends every process of the lab and removes its folder. keep: leaves the folder, with homes and logs."""
        if self.switch.alive:
            # The first process of the outermost PID namespace: the kernel ends everything in it.
            os.kill(self.switch.pid, signal.SIGKILL)
            wait_for(lambda: not self.switch.alive, 10, "the end of the lab")
            wait_for(lambda: not any(host.process.alive for host in self.hosts.values()), 10, "the end of the hosts")
        for outer in self.outer:
            outer.wait(10)
            for stream in (outer.stdin, outer.stderr):
                if stream:
                    stream.close()
        (self.folder / "lab.json").unlink(missing_ok=True)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def save(self):
        facts = {
            "in_user_namespace": self.in_user_namespace, "network": str(self.network), "ipv4": self.has_ipv4,
            "ipv6": self.has_ipv6, "switch": [self.switch.pid, self.switch.started],
            "hosts": {name: [host.process.pid, host.process.started] for name, host in self.hosts.items()},
        }
        new = self.folder / "lab.json.new"
        new.write_text(json.dumps(facts, indent=1) + "\n")
        new.replace(self.folder / "lab.json")

    def host(self, name):
        host = self.hosts.get(name)
        if not host:
            raise LabError(f"there is no host {name}\n  fix: one of {', '.join(self.hosts)}; `hosts up N` adds more")
        if not host.process.alive:
            raise LabError(f"{name} has ended\n  fix: hosts down, hosts up")
        return host

    def __getitem__(self, number):
        return self.host(f"h{number}")

    def __iter__(self):
        return iter(self.hosts.values())

    def in_switch(self, *words, check=True, **options):
        """Runs a command where the bridge is."""
        line = namespaces.enter(self.switch, words, self.in_user_namespace)
        return run(line, check, f"switch: {' '.join(map(str, words))[:120]}", **options)

    def address(self, number, family=None):
        """The address that a host is made with; its IPv4 one where the lab has both and none is asked for."""
        if family == 6 or family is None and not self.has_ipv4:
            return f"fd77::{number:x}"
        return str(self.network[number])
