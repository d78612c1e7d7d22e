"""A host without a stack, with a project that uses other hosts' routers."""
import json
import time

from . import follow
from .members import ask, describe
from .namespaces import LabError, wait_for


class Laptop:
    """A host, with a project that is to become a thin client."""

    def __init__(self, host):
        self.host = host
        self.folder = host.home / "laptop"
        self.folder.mkdir(exist_ok=True)

    def llmstack(self, *words, environment=None):
        """Runs a verb off the terminal. Returns (exit status, all it says, seconds)."""
        began = time.monotonic()
        done = self.host.llmstack(*words, check=False, folder=self.folder, environment=environment)
        return done.returncode, done.stdout + done.stderr, time.monotonic() - began

    @property
    def base(self):
        """The address that opencode.json has."""
        try:
            config = json.loads((self.folder / ".llmstack/opencode.json").read_text())
        except (OSError, ValueError) as problem:
            raise LabError(f"the laptop's opencode.json: {problem}") from None
        return next(iter(config["provider"].values()))["options"]["baseURL"]

    def answers(self, found, when):
        answer = ask(self.host, self.base, "plan")
        found.expect(answer == "plan", f"{when}: {self.base} answers plan with: {answer}")


def follows_from(lab, found, hosts):
    """Waits until the laptop's Avahi has seen the records of hosts, as it would have for hours."""
    identities = {describe(host)["id"] for host in hosts}
    wait_for(lambda: identities <= {e["txt"].get("id") for e in follow.browse_once(list(lab)[-1])}, 10, "the records")
