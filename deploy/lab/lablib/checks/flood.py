"""More records than anybody has."""
import pathlib
import sys
import time

from ..members import describe, gather, join, nodes, state_of
from ..namespaces import LabError, wait_for
from ..report import check
from .daemons import memory, open_files, ticks
from .strangers import brief

FLOOD = pathlib.Path(__file__).parents[1] / "flood.py"


@check("flood", hosts=3)
def flood(lab, found):
    """10,000 foreign and malformed records: bounded memory, said once, and the real nodes are still seen."""
    one, two, three = lab
    gather([one, two])
    router, identity = one.router(), describe(two)["id"]
    log = one.project / ".llmstack/logs/router.log"
    lines = len(log.read_text().splitlines())
    before, files, cpu = memory(router), open_files(router), ticks(router)
    count = found.count(2000, 10000, 10000)
    rounds = found.count(1, 2, 5)
    peaks = []
    for _ in range(rounds):
        peak, deadline = 0, time.monotonic() + 8
        with three.begin(sys.executable, FLOOD, count) as sending:
            while sending.poll() is None or time.monotonic() < deadline:
                peak = max(peak, memory(router))
                time.sleep(0.1)
        found.expect(sending.returncode == 0, "the flood was not sent")
        peaks.append(peak)
        view = nodes(one)
        found.expect(state_of(view, identity) == "up", f"during the flood the real node is {brief(view['nodes'])[:4]}")
        found.number("rows of `nodes`", len(nodes(one)["nodes"]), limit=2)
    seen = len([line for line in one.run("avahi-browse", "-tp", "_llmstack._tcp", check=False, timeout=60).stdout.splitlines()
                if line.startswith("+")])
    found.number("records that Avahi took", seen)
    found.expect(seen > 200, f"Avahi took only {seen} of them: nothing was tried")
    found.number("router's memory before", before / 1024, "MiB")
    found.number("router's memory at most", max(peaks) / 1024, "MiB")
    found.number("router's memory gained", (max(peaks) - before) / 1024, "MiB", limit=32)
    if rounds > 1:
        found.number("gained from the second flood on", (max(peaks[1:]) - peaks[0]) / 1024, "MiB", limit=6)
    found.number("open files gained", open_files(router) - files, limit=8)
    found.number("router's processor time", (ticks(router) - cpu) / 100, "s")
    found.number("lines in the router's log", len(log.read_text().splitlines()) - lines, limit=12)
    found.expect(one.router() == router, "the router is not the same process any more")
    # With full caches nobody finds anybody new; when the flood's records have ended, everybody does.
    time.sleep(12)
    try:
        newcomer = join(three)
        wait_for(lambda: state_of(nodes(one), newcomer) == "up", 15, "a newcomer after the flood")
    except LabError as problem:
        found.expect(False, str(problem))
