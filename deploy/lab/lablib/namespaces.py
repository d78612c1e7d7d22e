"""Namespaces by the programs of util-linux: made, entered, and looked into from outside."""
import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
import time

os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"

INIT = pathlib.Path(__file__).with_name("init.py")
PACKAGES = {
    "ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux", "dbus-daemon": "dbus", "dbus-send": "dbus",
    "avahi-daemon": "avahi-daemon", "avahi-browse": "avahi-utils", "avahi-publish": "avahi-utils", "nft": "nftables",
}
ALL_OF_A_HOST = ["--net", "--mount", "--uts", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]


class LabError(Exception):
    """What is wrong and, on the next line, what to do."""


class Impossible(LabError):
    """This system cannot have a lab as it is."""


def missing_packages(packages=PACKAGES):
    """The Debian packages that bring what is not on this machine. packages: by the program that each brings."""
    return sorted({package for program, package in packages.items() if not shutil.which(program)})


def require(packages=PACKAGES):
    if missing := missing_packages(packages):
        raise Impossible(f"missing: {' '.join(missing)}\n  fix: sudo apt-get install -y {' '.join(missing)}")


def wait_for(condition, seconds, what):
    """Returns the first true value of a condition. Looks every 20 ms."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def run(command, check=True, what=None, **options):
    """Runs a command to its end and returns it; its output is text. The end of its errors makes the exception.

    what: what to call the command there.
    """
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if check and done.returncode:
        errors = (done.stderr or done.stdout).strip()[-500:]
        raise LabError(f"{what or ' '.join(map(str, command))[:200]}: exit {done.returncode}: {errors}")
    return done


def needs_user_namespace():
    """Whether namespaces have to be made inside of a user namespace: False for root with its full rights.

    Raises Impossible where neither way works.
    """
    attempts = {}
    for flags in ([], ["--user", "--map-root-user"]):
        if not flags and os.geteuid() != 0:
            continue
        done = subprocess.run(["unshare", *flags, *ALL_OF_A_HOST, "true"], capture_output=True, text=True)
        if done.returncode == 0:
            return bool(flags)
        attempts[" ".join(["unshare", *flags])] = done.stderr.strip().splitlines()[-1:] or [f"exit {done.returncode}"]
    reasons = "; ".join(f"{command}: {errors[0]}" for command, errors in attempts.items())
    raise Impossible(
        f"no namespaces can be made here ({reasons})\n  fix: run it as root, or allow user namespaces "
        "(sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0); "
        "in a container: --privileged, or --cap-add SYS_ADMIN,NET_ADMIN with an unmasked /proc")


@dataclasses.dataclass(frozen=True)
class Process:
    """A process by its number and the time of its start, so that a number used again is not taken for it."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid):
        return cls(pid, start_ticks(pid) or 0)

    @property
    def alive(self):
        return self.started != 0 and start_ticks(self.pid) == self.started


def stat_fields(pid):
    """The fields of /proc/PID/stat after the command's name, or nothing when it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def start_ticks(pid):
    """Clock ticks between boot and the start of a process that has not ended; None for any other."""
    fields = stat_fields(pid)
    return int(fields[19]) if fields and fields[0] not in "ZX" else None


def started_at(pid):
    """When a process was started, on the clock of time.monotonic(), to 10 ms."""
    ticks = start_ticks(pid)
    # Boot time counts suspends, monotonic time does not.
    asleep = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    return None if ticks is None else ticks / os.sysconf("SC_CLK_TCK") - asleep


def make(switch=None, in_user_namespace=False, tied=None):
    """Starts a first process in namespaces of its own.

    switch: the first process of the switch, for a host; None makes the switch itself.
    tied: True ends it when this program ends.
    Returns (first process, the Popen that it hangs on).
    """
    command = ["unshare", *ALL_OF_A_HOST, "--propagation", "private"]
    if switch:
        command = enter(switch, command, in_user_namespace)
    elif in_user_namespace:
        command[1:1] = ["--user", "--map-root-user"]
    # The system's Python, not one that hides behind a shim in somebody's home.
    command += [os.path.realpath(sys.executable), str(INIT), *(["tied"] if tied else [])]
    outer = subprocess.Popen(
        command, stdin=subprocess.PIPE if tied else subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, start_new_session=True, text=True)

    def first():
        if outer.poll() is not None:
            raise LabError(f"no namespaces: {outer.stderr.read().strip()}")
        pid = outer.pid
        while True:
            try:
                children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            except OSError:
                return None
            if not children:
                break
            pid = int(children[0])
        # The mounts are ready when it runs what it was made for.
        words = command_words(pid)
        return Process.of(pid) if str(INIT) in words[1:2] else None

    return wait_for(first, 10, "a process in namespaces of its own"), outer


def enter(process, command, in_user_namespace=False):
    """The command line that runs a command inside the namespaces of a process."""
    flags = ["-m", "-u", "-n", "-p"] + (["-U", "--preserve-credentials"] if in_user_namespace else [])
    return ["nsenter", "-t", str(process.pid), *flags, "--", *map(str, command)]


def members(process):
    """The numbers, seen from here, of all processes in the PID namespace of a process, that one excepted."""
    try:
        namespace = os.readlink(f"/proc/{process.pid}/ns/pid")
    except OSError:
        return []
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != process.pid:
            try:
                if os.readlink(f"/proc/{name}/ns/pid") == namespace and start_ticks(name) is not None:
                    found.append(int(name))
            except OSError:
                # Gone meanwhile, or not ours to look at.
                pass
    return found


def command_words(pid):
    try:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
    except OSError:
        return []
    return [word.decode(errors="replace") for word in words]
