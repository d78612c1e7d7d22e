"""What starts the stack with the machine."""
import pathlib
import plistlib
import shutil
import subprocess
import time

from .. import service, stack
from ..members import ask, begin_posting, chat, posted
from ..namespaces import LabError, wait_for
from ..report import check

DEPLOY = stack.ROOT / "deploy"
ROUTER = "http://127.0.0.1:10101/v1"


def furnish(host, programs):
    """A project whose name has a space, the program where the unit looks for it, and llama-server in one of the usual places."""
    project = host.home / "my project"
    host.project.rename(project)
    local = host.home / ".local/bin"
    for folder in (local, programs):
        folder.mkdir(parents=True, exist_ok=True)
    (programs / "llmstack").symlink_to(stack.PROGRAM)
    shutil.copy(host.home / "bin/llama-server", local / "llama-server")
    # The lab's commands start in it.
    host.project.mkdir()
    host.llmstack("install", "--current", folder=project)
    return project


def verified(found, unit, installed, scope):
    """What systemd-analyze has against a unit."""
    if not shutil.which("systemd-analyze"):
        return
    # It looks for the program: /usr/local/bin has none while this is checked.
    copy = installed / unit.name
    copy.write_text(unit.read_text().replace("/usr/local/bin/llmstack", "/bin/true"))
    runtime = installed / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    done = subprocess.run(["systemd-analyze", "verify", scope, "--man=no", str(copy)], capture_output=True, text=True,
                          env={"PATH": service.PATH, "HOME": str(installed), "XDG_RUNTIME_DIR": str(runtime)})
    # Of other units of this machine it has opinions too.
    against = [line for line in done.stderr.splitlines() if "llmstack" in line]
    found.expect(not against, f"systemd-analyze verify {unit.name}: {against[:3]}")


def serves(host, run, what):
    """Waits until the stack answers."""
    deadline = time.monotonic() + 30
    while (answer := ask(host, ROUTER, "plan")) != "plan":
        if time.monotonic() > deadline:
            raise LabError(f"{what}: {answer}\n{run.log()[-1500:]}")
        time.sleep(0.1)


def lives_and_dies(host, run, found):
    """Start, a killed router, a killed main process, stop."""
    began = time.monotonic()
    run.start()
    serves(host, run, "after start")
    found.times("start to first answer", [time.monotonic() - began])
    found.expect(host.processes("llama-server"), "no llama-server: what answered?")

    # The supervisor's part.
    old, main = host.router(), run.main()
    host.signal([old], 9)
    wait_for(lambda: host.router() not in (None, old), 15, f"another router after the first was killed; {run.log()[-800:]}")
    serves(host, run, "after the router was killed")
    found.expect(run.main() == main, "the supervisor died with the router")

    # The service manager's part.
    old, began = host.router(), time.monotonic()
    run.crash()
    wait_for(lambda: run.main() not in (None, main), 15, f"another start after the first was killed; {run.log()[-800:]}")
    wait_for(lambda: host.router() not in (None, old), 25, f"a router of the second start; {run.log()[-800:]}")
    serves(host, run, "after the main process was killed")
    found.times("killed to answering again", [time.monotonic() - began])
    found.expect(len(service.foreground(host)) == 1, "more than one supervisor")

    # Enough words to last into the stop: the router is to let them out before anything else ends.
    answer = begin_posting(host, [{"body": chat("go on", "plan", 2000, stream=True)}])
    wait_for(lambda: is_busy(host), 10, "a request under way")
    began = time.monotonic()
    status, was_killed = run.stop()
    found.times("stop", [time.monotonic() - began], run.service.stop_seconds)
    reply = posted(answer)[0]
    count = (reply.get("timings") or {}).get("predicted_n")
    found.expect(reply["is_whole"] and count == 2000, f"the answer under way ended after {count} of 2000 tokens: {str(reply)[-300:]}")
    found.expect(status == 0 and not was_killed, f"stop: exit {status}{', killed' * was_killed}; {run.log()[-800:]}")
    found.expect(not service.stack_processes(host), f"stop left {len(service.stack_processes(host))} processes")
    time.sleep(run.service.delay + 0.5)
    found.expect(not service.stack_processes(host), "it was started again after it was stopped")


def is_busy(host):
    """Whether somebody is connected to the router."""
    table = pathlib.Path(f"/proc/{host.process.pid}/net/tcp").read_text()
    # 10101 in hex, established.
    return any(line.split()[1].endswith(":2775") and line.split()[3] == "01" for line in table.splitlines()[1:])


def told(found, run):
    found.figures.append({"what": "run", "value": run.name, "unit": "", "limit": None})


@check("user-unit", hosts=1, quick=True)
def user_unit(lab, found):
    """deploy/systemd/llmstack.service, for a user."""
    host, unit = lab[1], DEPLOY / "systemd/llmstack.service"
    project = furnish(host, host.home / ".local/bin")
    (host.home / ".config/llmstack").mkdir(parents=True)
    (host.home / ".config/llmstack/service.env").write_text(f'LLMSTACK_WORK_DIR="{project}"\n')
    verified(found, unit, host.home, "--user")
    wanted = service.of_unit(unit, host.home)
    run = service.BySystemd.starts(host, unit, wanted) or service.Emulated(host, wanted)
    told(found, run)
    try:
        lives_and_dies(host, run, found)
        ended_by_its_verb(host, project, run, found)
    finally:
        run.end()


def ended_by_its_verb(host, project, run, found):
    """`llmstack stop` in the project ends it, and the manager leaves it at that."""
    run.start()
    serves(host, run, "started anew")
    done = host.llmstack("stop", folder=project, check=False)
    found.expect(done.returncode == 0, f"llmstack stop: exit {done.returncode}: {(done.stdout + done.stderr)[-300:]}")
    time.sleep(run.service.delay + 1)
    found.expect(not service.stack_processes(host), "llmstack stop: it was started again, or not all ended")


@check("system-unit", hosts=1, quick=True)
def system_unit(lab, found):
    """deploy/systemd/llmstack@.service, for the system's systemd and a user's project."""
    host, unit = lab[1], DEPLOY / "systemd/llmstack@.service"
    project, etc = furnish(host, host.home / "usr-local-bin"), host.folder / "etc/llmstack"
    etc.mkdir()
    (etc / "root.env").write_text(f'LLMSTACK_WORK_DIR="{project}"\n')
    verified(found, unit, host.home, "--system")
    wanted = service.of_unit(unit, host.home, "root", host.folder / "etc")
    found.expect(wanted.words[0] == "/usr/local/bin/llmstack", f"it runs {wanted.words[0]}")
    wanted.words[0] = str(host.home / "usr-local-bin/llmstack")
    run = service.Emulated(host, wanted)
    told(found, run)
    lives_and_dies(host, run, found)


@check("agent", hosts=1, quick=True)
def agent(lab, found):
    """deploy/launchd/llmstack.plist, set as the README sets it."""
    host, plist = lab[1], pathlib.Path(lab[1].home / "llmstack.plist")
    project = furnish(host, host.home / "a folder of programs")
    shutil.copy(DEPLOY / "launchd/llmstack.plist", plist)
    values = {"Program": host.home / "a folder of programs/llmstack", "EnvironmentVariables.LLMSTACK_WORK_DIR": project,
              "StandardErrorPath": host.home / "llmstack.log"}
    set_values(plist, values)
    wanted = service.of_plist(plist, host.home)
    run = service.Emulated(host, wanted)
    told(found, run)
    lives_and_dies(host, run, found)


def set_values(plist, values):
    """`plutil -replace`, which Swift's own tools have too."""
    if shutil.which("plutil"):
        for key, value in values.items():
            subprocess.run(["plutil", "-replace", key, "-string", str(value), str(plist)], check=True, capture_output=True)
        return
    document = plistlib.loads(plist.read_bytes())
    for key, value in values.items():
        *outer, last = key.split(".")
        (document[outer[0]] if outer else document)[last] = str(value)
    plist.write_bytes(plistlib.dumps(document))
