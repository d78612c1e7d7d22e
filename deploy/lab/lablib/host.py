"""One host of a lab: its namespaces, bus, Avahi, network and stack."""
import os
import pathlib
import shlex
import signal
import subprocess
import time

from . import namespaces, stack
from .namespaces import LabError, Process, run, wait_for

# Everybody in the host may do everything: there is one user.
BUS_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
  </policy>
  <limit name="max_connections_per_user">1024</limit>
</busconfig>
"""
AVAHI_CONFIGURATION = """[server]
host-name={name}
use-ipv4={ipv4}
use-ipv6={ipv6}
enable-dbus=yes
ratelimit-interval-usec=1000000
ratelimit-burst=1000
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
[reflector]
enable-reflector=no
[rlimits]
"""
# Avahi wants its folder to belong to its user; with one user only (a user namespace has no more), that is root.
PASSWD = """root:x:0:0:root:{home}:/bin/bash
avahi:x:0:0::/run/avahi-daemon:/usr/sbin/nologin
messagebus:x:0:0::/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = "root:x:0:\navahi:x:0:\nmessagebus:x:0:\nnetdev:x:0:\nnogroup:x:65534:\n"


class Host:
    """A host that runs. `process` is its first process, as seen from outside."""

    def __init__(self, lab, name, process):
        self.lab, self.name, self.process = lab, name, process
        self.number = int(name[1:])
        self.folder = lab.folder / name
        self.home = self.folder / "home"
        self.project = self.home / "project"
        self.port = f"lab{self.number}"

    # Commands inside

    def command(self, words, folder=None):
        """The command line that runs a command here, in the project or another folder of the home."""
        variables = [f"{name}={value}" for name, value in stack.environment(self.home).items()]
        # As many open files as a shell gives on most systems.
        return namespaces.enter(
            self.process, ["prlimit", "--nofile=1024:", "env", "-i", f"--chdir={folder or self.project}", *variables,
                           *map(str, words)], self.lab.in_user_namespace)

    def run(self, *words, check=True, timeout=60, folder=None, environment=None):
        """Runs a command here to its end."""
        extra = ["env", *(f"{name}={value}" for name, value in (environment or {}).items())] if environment else []
        what = f"{self.name}: {' '.join(map(str, words))[:120]}"
        return run(self.command([*extra, *words], folder), check, what, timeout=timeout, stdin=subprocess.DEVNULL)

    def begin(self, *words, **options):
        """Starts a command here. Its output is a pipe of text unless told otherwise."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True, **options}
        # Killed here, it is the nsenter outside that is killed: the command goes with it.
        line = self.command(["setpriv", "--pdeathsig", "KILL", *words], options.pop("folder", None))
        return subprocess.Popen(line, **options)

    def spawn(self, log, *words):
        """Starts a command that goes on when this program ends."""
        line = f"setsid {shlex.join(map(str, words))} </dev/null >>{shlex.quote(str(self.folder / log))} 2>&1 &"
        self.run("sh", "-c", line)

    def llmstack(self, *words, **options):
        return self.run("llmstack", *words, **options)

    # Processes

    def processes(self, kind=None):
        """Numbers, seen from outside, of everything here, or of llmstack, llama-swap or llama-server."""
        every = namespaces.members(self.process)
        return every if kind is None else [pid for pid in every if stack.kind(namespaces.command_words(pid)) == kind]

    def router(self):
        """The number of the router's process, seen from outside; None when there is none."""
        found = [pid for pid in self.processes("llmstack") if "router" in namespaces.command_words(pid)[1:2]]
        return found[0] if found else None

    def signal(self, pids, number):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def kill(self, what="all"):
        """Kills a part of the stack, or with "all" everything at once and unseen, as when the power goes."""
        if what == "all":
            # The kernel would say goodbye for the dead: no power cut does.
            self.mute(True)
        if self.paused:
            self.resume()
        pids = self.processes(None if what == "all" else what)
        self.signal(pids, signal.SIGKILL)
        wait_for(lambda: not set(pids) & set(self.processes()), 10, f"the end of {what} on {self.name}")
        return len(pids)

    def pause(self):
        """Stops everything where it is. The kernel still answers pings and opens connections; with `mute` it does not."""
        stopped = set()
        # Somebody may be starting somebody else.
        while new := set(self.processes()) - stopped:
            self.signal(new, signal.SIGSTOP)
            stopped |= new

    def resume(self):
        pids = self.processes()
        # An nsenter outside stops with the command that it entered for.
        outside = {int(fields[1]) for fields in map(namespaces.stat_fields, pids) if fields} - {*pids, self.process.pid}
        self.signal([*pids, *outside], signal.SIGCONT)

    @property
    def paused(self):
        return any(namespaces.stat_fields(pid)[:1] == ["T"] for pid in self.processes())

    # Building

    def build(self):
        """Makes the home, the files of the system, and the network up to the switch."""
        stack.furnish(self.home)
        etc = self.folder / "etc"
        etc.mkdir(exist_ok=True)
        own = self.lab.address(self.number)
        names = "".join(f"{self.lab.address(number)} h{number}.lab\n" for number in range(1, 33))
        for name, text in {
            "passwd": PASSWD.format(home=self.home), "group": GROUP, "hostname": self.name + "\n",
            "hosts": f"127.0.0.1 localhost\n::1 localhost\n{own} {self.name}\n" + names,
            "resolv.conf": "", "machine-id": f"{self.number:032x}\n", "bus.conf": BUS_CONFIGURATION,
            "avahi.conf": AVAHI_CONFIGURATION.format(
                name=self.name, ipv4=yes(self.lab.has_ipv4), ipv6=yes(self.lab.has_ipv6)),
        }.items():
            (etc / name).write_text(text)
        over = " ".join(f"[ -f /etc/{name} ] && mount --bind {shlex.quote(str(etc / name))} /etc/{name};"
                        for name in ("passwd", "group", "hostname", "hosts", "resolv.conf", "machine-id"))
        self.run("sh", "-ec", f"hostname {self.name}; mount -t tmpfs tmpfs /run; mkdir -p /run/dbus; {over} "
                 "mount -t sysfs sysfs /sys 2>/dev/null || true; ip link set lo up")
        self.lab.in_switch(
            "ip", "link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", self.number_in_switch())
        self.lab.in_switch("ip", "link", "set", self.port, "master", "br0", "up")
        lines = ["echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad", "ip link set eth0 up"]
        if not self.lab.has_ipv6:
            lines.insert(0, "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6")
        self.run("sh", "-ec", "; ".join(lines))
        if self.lab.has_ipv4:
            self.set_address(self.lab.address(self.number, 4))
        if self.lab.has_ipv6:
            self.set_address(self.lab.address(self.number, 6))

    def number_in_switch(self):
        """The number of the first process as the switch sees it: its PID namespace is one further out."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return line.split()[-2]
        raise LabError(f"{self.name} has ended")

    def boot(self):
        """Starts what a host starts by itself: bus and Avahi; after a power cut its network is there again."""
        self.mute(False)
        self.bus("start")
        self.avahi("start")

    # System services

    def bus(self, action):
        if action == "kill":
            self.end("dbus-daemon", signal.SIGKILL)
        elif action == "start":
            if self.named("dbus-daemon"):
                return
            self.run("sh", "-c", "mkdir -p /run/dbus; rm -f /run/dbus/*")
            self.spawn("bus.log", "dbus-daemon", "--config-file=" + str(self.folder / "etc/bus.conf"), "--nofork",
                       "--nopidfile", "--nosyslog")
            wait_for(lambda: self.run("test", "-S", "/run/dbus/system_bus_socket", check=False).returncode == 0, 10,
                     f"the bus of {self.name}")
        else:
            raise LabError(f"bus {action}?\n  fix: bus hN kill|start")

    def avahi(self, action):
        if action in ("stop", "kill", "restart"):
            self.end("avahi-daemon", signal.SIGKILL if action == "kill" else signal.SIGTERM)
        elif action != "start":
            raise LabError(f"avahi {action}?\n  fix: avahi hN start|stop|kill|restart")
        if action in ("start", "restart") and not self.named("avahi-daemon"):
            self.run("rm", "-f", "/run/avahi-daemon/pid", "/run/avahi-daemon/socket")
            self.spawn("avahi.log", "avahi-daemon", "-f", self.folder / "etc/avahi.conf", "--no-rlimits",
                       "--no-drop-root", "--no-chroot")
            wait_for(self.avahi_runs, 15, f"Avahi of {self.name} (see {self.folder}/avahi.log)")

    def avahi_runs(self):
        done = self.run(
            "dbus-send", "--system", "--print-reply=literal", "--dest=org.freedesktop.Avahi", "/",
            "org.freedesktop.Avahi.Server.GetState", check=False)
        # 2 is AVAHI_SERVER_RUNNING: the host's name is settled.
        return done.stdout.split() == ["int32", "2"]

    def named(self, name):
        """Numbers of the processes here whose program has this name."""
        found = []
        for pid in self.processes():
            words = namespaces.command_words(pid)
            # Avahi writes its state over its command line: "avahi-daemon: running [h1.local]".
            if words and os.path.basename(words[0].split(":")[0]) == name:
                found.append(pid)
        return found

    def end(self, name, number):
        self.signal(self.named(name), number)
        wait_for(lambda: not self.named(name), 10, f"the end of {name} on {self.name}")

    # Network

    def set_address(self, address):
        """Gives the host another address, in place of those of the same family."""
        bare, _, length = address.partition("/")
        six = ":" in bare
        family, length = ("-6", length or "64") if six else ("-4", length or "24")
        self.run("sh", "-ec", f"ip {family} addr flush dev eth0 scope global; "
                 f"ip {family} addr add {bare}/{length} {'nodad' if six else 'brd +'} dev eth0")
        if not six:
            gateway = bare.rpartition(".")[0] + ".254"
            # Nobody is there; without a default route multicast has nowhere to go.
            self.run("ip", "route", "replace", "default", "via", gateway, "dev", "eth0")

    def addresses(self):
        """Of eth0, link-local ones excepted."""
        done = self.run("ip", "-br", "addr", "show", "dev", "eth0", "scope", "global", check=False)
        return [word.partition("/")[0] for word in done.stdout.split()[2:] if "." in word or ":" in word]

    def cut(self):
        self.lab.in_switch("ip", "link", "set", self.port, "down")

    def mend(self):
        self.lab.in_switch("ip", "link", "set", self.port, "up")

    def mute(self, on):
        """Drops every frame from and to the host; its carrier stays."""
        self.lab.in_switch("ip", "link", "set", self.port, *(["nomaster"] if on else ["master", "br0"]))

    def lose(self, percent):
        """Drops this share of the frames in each direction."""
        if not 0 <= percent <= 100:
            raise LabError(f"{percent} is no percentage\n  fix: a number from 0 to 100; 0 takes the loss away")
        table = f"lose_{self.name}"
        self.lab.in_switch("nft", "delete", "table", "bridge", table, check=False)
        if percent:
            # nft takes no share of the whole.
            drop = "drop" if percent == 100 else f"numgen random mod 1000 < {round(percent * 10)} drop"
            self.lab.in_switch("nft", "-f", "-", input=(
                f"table bridge {table} {{\n chain both {{\n  type filter hook forward priority 0\n"
                f"  iifname \"{self.port}\" {drop}\n  oifname \"{self.port}\" {drop}\n }}\n}}\n"))

    def add_bridge(self):
        """What Docker leaves on a host: an interface with an address that every such host has."""
        # With a container in it: without one it has no carrier, and nobody looks at it.
        self.run("sh", "-ec", "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; "
                 "ip link add docker0 type bridge forward_delay 0; ip addr add 172.17.0.1/16 brd + dev docker0; "
                 "ip link add veth0 type veth peer name container0; ip link set veth0 master docker0 up; "
                 "ip link set container0 up; ip link set docker0 up")

    # The stack

    def equip(self, models, slots=1, load_seconds=0):
        """Gives the host, whose stack does not run, other tiers: the text of its models.ini, and what its llama-server is like."""
        stack.equip(self.home, models, slots, load_seconds)

    def start(self, *arguments, environment=None):
        if not (self.project / ".llmstack/opencode.json").exists():
            self.llmstack("install", "--current")
        return self.llmstack("start", "--detach", "--current", *arguments, timeout=120, environment=environment)

    def stop(self):
        return self.llmstack("stop", timeout=60)

    def end_all(self):
        """Kills everything but the first process, without a word on the network being stopped."""
        self.signal(self.processes(), signal.SIGKILL)

    def status(self):
        """One line of what is so."""
        if not self.process.alive:
            return f"{self.name}  gone"
        facts = [self.name, ",".join(self.addresses()) or "no address",
                 "bus" if self.named("dbus-daemon") else "no bus", "avahi" if self.named("avahi-daemon") else "no avahi"]
        counts = {kind: len(self.processes(kind)) for kind in ("llmstack", "llama-swap", "llama-server")}
        facts.append(" ".join(f"{kind}:{count}" for kind, count in counts.items() if count) or "no stack")
        link = self.lab.in_switch("ip", "-d", "-o", "link", "show", self.port, check=False).stdout
        facts += ["CUT"] * (",UP" not in link) + ["MUTE"] * ("master" not in link) + ["PAUSED"] * self.paused
        if self.lab.in_switch("nft", "list", "table", "bridge", f"lose_{self.name}", check=False).returncode == 0:
            facts.append("LOSES FRAMES")
        return "  ".join(facts)


def yes(value):
    return "yes" if value else "no"
