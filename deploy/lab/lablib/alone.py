"""Checks that need no hosts: the program goes on in namespaces of its own, where its ports, mounts and processes are nobody else's."""
import os
import subprocess
import sys

from . import namespaces

MARK = "LLMSTACK_CHECK_IS_ALONE"


def enter(packages):
    """Goes on in namespaces of its own. packages: the Debian packages that programs come from which it needs."""
    if os.environ.get(MARK):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    namespaces.require(packages)
    flags = ["--user", "--map-root-user"] if namespaces.needs_user_namespace() else []
    os.environ[MARK] = "1"
    os.execvp("unshare", ["unshare", *flags, *namespaces.ALL_OF_A_HOST, "--propagation", "private", "--",
                          os.path.realpath(sys.executable), *sys.argv])


class Alone:
    """What a check gets in place of a lab: a folder, and what was begun there, which ends with the check."""

    def __init__(self, folder):
        self.folder, self.begun = folder, []

    def begin(self, process):
        """Has a process, anything with a `stop`, end with the check. Returns it."""
        self.begun.append(process)
        return process

    def mount(self, path, size):
        """A small disk of its own, of so many KiB."""
        path.mkdir(parents=True, exist_ok=True)
        namespaces.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(path)])
        self.begun.append(Mounted(path))
        return path

    def down(self, keep=False):
        for process in reversed(self.begun):
            process.stop()


class Mounted:
    def __init__(self, path):
        self.path = path

    def stop(self):
        subprocess.run(["umount", "--lazy", str(self.path)], capture_output=True)
