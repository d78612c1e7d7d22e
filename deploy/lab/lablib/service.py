"""Services as systemd and launchd run them: what a unit or a plist says, and a run of it on a lab host."""
import dataclasses
import os
import pathlib
import plistlib
import shutil
import signal
import subprocess
import time

from . import namespaces
from .namespaces import LabError, wait_for

# systemd's own for services; launchd's has no sbin.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclasses.dataclass
class Service:
    """What is to be run. environment: all that it gets; stop_seconds: from SIGTERM to SIGKILL; delay: before it is started again."""

    words: list
    environment: dict
    folder: str
    stop_seconds: float
    delay: float
    # Whether what the main process leaves is killed with it: systemd's is, launchd's goes on in sessions of its own.
    takes_all: bool


def parsed(unit):
    """The settings of a unit file by section; a setting that is given twice is the last one."""
    sections, section = {}, None
    for number, raw in enumerate(unit.read_text().splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            section = sections.setdefault(line[1:-1], {})
        elif section is not None and "=" in line and not line.endswith("\\"):
            key, _, value = line.partition("=")
            section[key.strip()] = value.strip()
        else:
            raise LabError(f"{unit.name}:{number}: not understood: {line}")
    return sections


def of_unit(unit, home, instance=None, etc="/etc"):
    """A service by a systemd unit. instance: what stands after the @; etc: a folder in place of /etc."""
    settings = parsed(unit)["Service"]
    values = {"%h": str(home), "%E": f"{home}/.config", "%i": instance or "", "%%": "%"}

    def expanded(text):
        for specifier, value in values.items():
            text = text.replace(specifier, value)
        return text.replace("/etc/", f"{etc}/")

    expected = {"Type": "exec", "Restart": "on-failure", "KillMode": "mixed"}
    for key, value in expected.items():
        if settings.get(key) != value:
            raise LabError(f"{unit.name}: {key} is {settings.get(key)}, and is run here as {value} only")
    environment = {"HOME": str(home), "PATH": PATH, "LANG": "C.UTF-8", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/bash"}
    for line in pathlib.Path(expanded(settings["EnvironmentFile"])).read_text().splitlines():
        name, _, value = line.partition("=")
        environment[name] = value.strip('"')
    return Service(
        words=[expanded(word) for word in settings["ExecStart"].split()], environment=environment, folder=str(home),
        stop_seconds=float(settings["TimeoutStopSec"]), delay=float(settings["RestartSec"]), takes_all=True)


def of_plist(path, home):
    """A service by a launchd property list. launchd expands nothing."""
    values = plistlib.loads(path.read_bytes())
    if values["KeepAlive"] != {"SuccessfulExit": False} or values["RunAtLoad"] is not True:
        raise LabError(f"{path.name}: is run here with RunAtLoad, and KeepAlive unless it ended well, only")
    environment = {"HOME": str(home), "USER": "root", "LOGNAME": "root", "SHELL": "/bin/bash", **values["EnvironmentVariables"]}
    # Its pause between starts is 10 s: the check has no use for the rest of it.
    return Service(words=[values["Program"], *values["ProgramArguments"][1:]], environment=environment, folder="/",
                   stop_seconds=values["ExitTimeOut"], delay=1, takes_all=False)


class Emulated:
    """A run of a service as its manager would run it."""

    name = "as its manager would"

    def __init__(self, host, service):
        self.host, self.service, self.process = host, service, None

    def start(self):
        assignments = [f"{name}={value}" for name, value in self.service.environment.items()]
        line = namespaces.enter(
            self.host.process, ["env", "-i", f"--chdir={self.service.folder}", *assignments, *self.service.words],
            self.host.lab.in_user_namespace)
        with open(self.host.folder / "service.log", "ab") as log:
            self.process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def main(self):
        return next(iter(foreground(self.host)), None)

    def crash(self):
        """Kills the main process and does what the manager does about it."""
        self.host.signal([self.main()], signal.SIGKILL)
        self.process.wait(10)
        if self.service.takes_all:
            self.host.signal(stack_processes(self.host), signal.SIGKILL)
        time.sleep(self.service.delay)
        self.start()

    def stop(self):
        """Asks it to end. Returns (exit status, whether it had to be killed)."""
        os.kill(self.main(), signal.SIGTERM)
        try:
            return self.process.wait(self.service.stop_seconds), False
        except subprocess.TimeoutExpired:
            self.host.signal(stack_processes(self.host), signal.SIGKILL)
            return self.process.wait(10), True

    def log(self):
        return (self.host.folder / "service.log").read_text(errors="replace")

    def end(self):
        pass


class BySystemd:
    """A run of a user unit by a systemd of the host's own."""

    name = "by a systemd of its own"

    def __init__(self, host, unit, service):
        self.host, self.unit, self.service = host, unit.name, service
        self.group = f"/sys/fs/cgroup/llmstack-check-{os.getpid()}"
        units = host.home / ".config/systemd/user"
        units.mkdir(parents=True, exist_ok=True)
        shutil.copy(unit, units / unit.name)
        # Its processes are in a group of their own, of which it sees nothing else.
        self.host.run("sh", "-ec", "mkdir -p /run/systemd/system /run/user/0; chmod 700 /run/user/0; "
                      f"mount -t cgroup2 cgroup2 /sys/fs/cgroup; mkdir {self.group}")
        inner = "umount /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; " \
            "exec env XDG_RUNTIME_DIR=/run/user/0 /usr/lib/systemd/systemd --user --log-target=console"
        self.host.spawn("service.log", "sh", "-ec", f"echo 0 >{self.group}/cgroup.procs; exec unshare -C -m sh -ec '{inner}'")
        wait_for(lambda: self.control("is-system-running").stdout.strip() in ("running", "degraded"), 10, "a systemd")

    @classmethod
    def starts(cls, host, unit, service):
        """A run, or None where no systemd can be had."""
        if not pathlib.Path("/usr/lib/systemd/systemd").exists() or not shutil.which("systemctl"):
            return None
        try:
            return cls(host, unit, service)
        except LabError:
            return None

    def control(self, *words):
        return self.host.run("systemctl", "--user", "--no-pager", *words, check=False,
                             environment={"XDG_RUNTIME_DIR": "/run/user/0"})

    def start(self):
        done = self.control("start", self.unit)
        if done.returncode:
            raise LabError(f"systemctl start: {done.stderr.strip()}")

    def main(self):
        return next(iter(foreground(self.host)), None)

    def crash(self):
        self.host.signal([self.main()], signal.SIGKILL)

    def stop(self):
        done = self.control("stop", self.unit)
        shown = dict(line.split("=", 1) for line in self.control(
            "show", self.unit, "-p", "ExecMainStatus,Result,ActiveState").stdout.splitlines())
        if done.returncode or shown["ActiveState"] not in ("inactive", "failed"):
            raise LabError(f"systemctl stop: {done.stderr.strip()} {shown}")
        return int(shown["ExecMainStatus"]), shown["Result"] != "success"

    def log(self):
        return self.control("status", self.unit).stdout + (self.host.folder / "service.log").read_text(errors="replace")

    def end(self):
        self.control("exit")
        wait_for(lambda: not self.host.named("systemd"), 10, "the end of systemd")
        # What the kernel made of the group goes with it; a group that still has somebody in it stays.
        self.host.run("find", self.group, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";", check=False)


def stack_processes(host):
    return [pid for kind in ("llmstack", "llama-swap", "llama-server") for pid in host.processes(kind)]


def foreground(host):
    """The process of `llmstack start --foreground`, seen from outside."""
    return [pid for pid in host.processes("llmstack") if "--foreground" in namespaces.command_words(pid)]
