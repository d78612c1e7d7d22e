"""The ledger under kills and on disks that are full, broken or taken."""
import json
import os
import random
import signal
import sqlite3
import subprocess
import time

from benchlib.load import wrk
from benchlib.nodes import made_up, upstream_of
from benchlib.router import Home
from ..abuse import Small
from ..members import each
from ..namespaces import LabError, wait_for
from ..report import check

NODES, RESTLESS = 6, 2
TABLES = {"placements": "time, request, node, outcome", "health": "time, node, from_state, to_state, evidence"}
# Rows that one file gets here before the next one is begun: reading them all again after each kill takes its time.
ROWS = 30_000


def rows(path, since):
    """What another program reads in a ledger: for each table the rows after those of `since`, by number."""
    ledger = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
    try:
        return {table: dict((number, values) for number, *values in ledger.execute(
            f"SELECT number, {columns} FROM {table} WHERE number > ? ORDER BY number", (since[table],)))
            for table, columns in TABLES.items()}
    finally:
        ledger.close()


def integrity(path):
    ledger = sqlite3.connect(path, timeout=5)
    try:
        return [line for line, in ledger.execute("PRAGMA integrity_check")]
    finally:
        ledger.close()


def told(home):
    """The newest changes of health, as `llmstack nodes --history --json` tells them."""
    done = home.run("nodes", "--history", "--json", check=False)
    if done.returncode:
        return []
    found = json.loads(done.stdout)
    found = found if isinstance(found, list) else found["history"]
    return [json.dumps(change, sort_keys=True) for change in found]


@check("ledger-kill", hosts=0, quick=True)
def ledger_kill(place, found):
    """A router killed under load, again and again: its file is whole, and what could be read before is there after."""
    others = made_up(NODES - 1, restless=RESTLESS)
    upstream = place.begin(upstream_of(place.folder, others, "upstream"))
    kills = found.count(20, 60, 500)
    chance = random.Random(kills)
    done, seen, restarts, home = 0, dict.fromkeys(TABLES, 0), [], None
    since = dict.fromkeys(TABLES, 0)
    while done < kills:
        if home is None or max(since.values()) > ROWS:
            home, since = Home(place.folder, f"home {done}", upstream.port, others, level="warning"), dict.fromkeys(TABLES, 0)
        began = time.monotonic()
        # Some die before they have opened the file, or while they do.
        is_early = since["placements"] and chance.random() < 0.15
        router = place.begin(home.start(waits=not is_early))
        if not is_early:
            restarts.append(time.monotonic() - began)
        url = f"http://127.0.0.1:{home.port}/v1/chat/completions"
        load = None if is_early else subprocess.Popen(
            wrk(place.folder, 400, "plan", 8, pause=5) + ["-d30s", url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, 0.3) if is_early else chance.uniform(0.1, 1.0))
        acknowledged, history = (None, []) if not home.ledger.exists() else (rows(home.ledger, since), told(home))
        if acknowledged:
            # Once more, so that nothing lies between the look and the kill.
            acknowledged = rows(home.ledger, since)
        router.stop(signal.SIGKILL)
        if load:
            load.kill()
            load.wait()
        place.begun.remove(router)
        done += 1
        judge(found, home, done, since, acknowledged, history, seen)
    found.number("kills", done)
    found.number("files", len(list(place.folder.glob("home-*"))))
    found.number("placements acknowledged", seen["placements"])
    found.number("changes of health acknowledged", seen["health"])
    found.expect(seen["placements"] > 10 * done and seen["health"] > done, "hardly anything was written")
    found.times("a router started after a kill", restarts)
    broken = list(place.folder.glob("home-*/.local/state/llmstack/*broken*"))
    found.expect(not broken, f"{len(broken)} files were set aside: {broken[:2]}")


def judge(found, home, number, since, acknowledged, history, seen):
    """Compares what was read before a kill with what is there after it; moves `since` on."""
    faults = integrity(home.ledger) if home.ledger.exists() else []
    found.expect(faults in ([], ["ok"]), f"kill {number}: {faults[:3]}")
    if not acknowledged:
        return
    after = rows(home.ledger, since)
    for table, before in acknowledged.items():
        lost = [key for key, values in before.items() if after[table].get(key) != values]
        found.expect(not lost, f"kill {number}: {len(lost)} of {len(before)} rows of {table} are lost, from {lost[:1]}")
        seen[table] += len(before)
        since[table] = max([since[table], *after[table]])
    still = set(told(home))
    # It tells the newest so many, of which later ones may have taken the place of the first.
    lost = [change for change in history[len(history) // 2:] if change not in still]
    found.expect(not lost, f"kill {number}: `nodes --history` tells of {len(lost)} changes no more")


@check("ledger-disk", hosts=0, quick=True)
def ledger_disk(place, found):
    """A ledger on a full disk, damaged, or with a directory in its place: said once, served on, written again."""
    cases = {"full at start": full_at_start, "full": full, "zeros": zeros, "truncated": truncated, "directory": directory,
             "truncated while it runs": truncated_live}
    # Side by side: each waits for the ledger's next try, which is after 10 s.
    each(list(cases.items()), lambda item: run_case(place, found, *item))


def run_case(place, found, name, case):
    try:
        others = made_up(1)
        (place.folder / name.replace(" ", "_")).mkdir()
        folder = place.folder / name.replace(" ", "_")
        upstream = place.begin(upstream_of(folder, others, "upstream"))
        home = Home(folder, "home", upstream.port, others, level="warning")
        case(place, found, name, home)
    except (SystemExit, LabError, OSError, ValueError, KeyError, sqlite3.Error) as problem:
        found.faults.append(f"{name}: {type(problem).__name__} {problem}")


def begun(place, home):
    router = place.begin(home.start())
    router.small = Small(home.port)
    router.small.start()
    return router


def served(found, name, router):
    """Ends the small requests; all of them must have been served."""
    times, bad = router.small.end()
    found.expect(times and not bad, f"{name}: {len(bad)} of {len(times) + len(bad)} requests were not served: {bad[:2]}")


def count(home):
    """Placements in the file; -1 where there is none that can be read."""
    try:
        ledger = sqlite3.connect(f"file:{home.ledger}?mode=ro", uri=True, timeout=5)
        try:
            return ledger.execute("SELECT count(*) FROM placements").fetchone()[0]
        finally:
            ledger.close()
    except sqlite3.Error:
        return -1


def says(found, name, router, text, times=1):
    said = router.said().count(text)
    found.expect(said == times, f"{name}: \"{text}\" is said {said} times, not {times}: {router.said()[-400:]}")


def fill(disk):
    """Takes all the room that there is. Returns the file that has it."""
    taken = disk / "taken"
    with open(taken, "ab", buffering=0) as file:
        for size in (1 << 16, 4096, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                pass
    return taken


def written_again(found, name, home, router, began):
    """Until rows appear."""
    before = count(home)
    wait_for(lambda: count(home) > max(before, 0), 20, f"{name}: rows in the ledger again")
    found.times(f"{name}: room to written again", [time.monotonic() - began], 13)
    wait_for(lambda: "is written again" in router.said(), 5, f"{name}: the log says that it is written again")
    says(found, name, router, "is written again")
    found.expect(integrity(home.ledger) == ["ok"], f"{name}: {integrity(home.ledger)[:2]}")


def full_at_start(place, found, name, home):
    place.mount(home.ledger.parent, 512)
    # The node's id is older than the ledger.
    home.start().stop()
    for file in home.ledger.parent.glob("state.db*"):
        file.unlink()
    taken = fill(home.ledger.parent)
    router = begun(place, home)
    time.sleep(3)
    says(found, name, router, "no space left")
    taken.unlink()
    written_again(found, name, home, router, time.monotonic())
    says(found, name, router, "cannot be used")
    served(found, name, router)


def full(place, found, name, home):
    place.mount(home.ledger.parent, 1024)
    router = begun(place, home)
    wait_for(lambda: count(home) > 50, 10, f"{name}: rows")
    taken = fill(home.ledger.parent)
    wait_for(lambda: "no space left" in router.said(), 30, f"{name}: the log says that there is no space")
    # Some tries go by.
    time.sleep(found.count(1, 11, 31))
    says(found, name, router, "cannot be used")
    taken.unlink()
    written_again(found, name, home, router, time.monotonic())
    found.expect("nothing was lost" in router.said(), f"{name}: {router.said()[-200:]}")
    served(found, name, router)


def used(place, home):
    """A ledger with something in it, closed."""
    router = begun(place, home)
    wait_for(lambda: count(home) > 200, 20, "rows")
    router.small.end()
    router.stop()


def set_aside(place, found, name, home):
    router = begun(place, home)
    wait_for(lambda: count(home) > 0, 10, f"{name}: a new ledger")
    says(found, name, router, "was damaged")
    aside = [path for path in home.ledger.parent.glob("state.db.broken-*Z")]
    found.expect(len(aside) == 1, f"{name}: set aside: {aside}")
    served(found, name, router)
    found.expect(router.stop() == 0, f"{name}: its end")
    found.expect(integrity(home.ledger) == ["ok"], f"{name}: {integrity(home.ledger)[:2]}")


def zeros(place, found, name, home):
    used(place, home)
    home.ledger.write_bytes(bytes(home.ledger.stat().st_size))
    set_aside(place, found, name, home)


def truncated(place, found, name, home):
    used(place, home)
    os.truncate(home.ledger, home.ledger.stat().st_size // 2)
    set_aside(place, found, name, home)


def directory(place, found, name, home):
    home.ledger.mkdir(parents=True)
    router = begun(place, home)
    time.sleep(3)
    says(found, name, router, "cannot be used")
    home.ledger.rmdir()
    written_again(found, name, home, router, time.monotonic())
    served(found, name, router)


def truncated_live(place, found, name, home):
    """Somebody cuts the file short under the router. What is not read again is not missed before the next start."""
    router = begun(place, home)
    wait_for(lambda: count(home) > 200, 20, f"{name}: rows")
    os.truncate(home.ledger, 5000)
    time.sleep(3)
    served(found, name, router)
    found.expect(router.stop() == 0, f"{name}: its end")
    router = begun(place, home)
    time.sleep(1)
    wait_for(lambda: count(home) > 0, 10, f"{name}: a ledger again")
    served(found, name, router)
    found.expect(router.stop() == 0 and integrity(home.ledger) == ["ok"], f"{name}: after another start {integrity(home.ledger)[:2]}")
