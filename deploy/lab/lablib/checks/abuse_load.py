"""Many requests, and what a router keeps of them."""
import subprocess

from benchlib.load import counted, wrk
from benchlib.nodes import made_up, upstream_of
from benchlib.router import Home
from ..report import check, slope

# MB that a router may grow by from a tenth of the requests to the last of them.
GROWS = 1.0
# The share of the requests after which it has what it keeps for good: buffers, pools, caches.
WARM = 0.1
FEW = 40


@check("million", hosts=0, quick=True)
def million(place, found):
    """A million requests through one router, alone and in a cluster: memory does not grow, no file stays open."""
    total = found.count(100_000, 300_000, 1_000_000)
    others = made_up(7)
    upstream = place.begin(upstream_of(place.folder, others, "upstream"))
    for mode, nodes in (("single host", None), ("cluster", others)):
        router = place.begin(Home(place.folder, mode, upstream.port, nodes).start())
        sent(place, found, mode, router, total)
        found.expect(router.stop() == 0, f"{mode}: its end")


def sent(place, found, mode, router, total):
    url = f"http://127.0.0.1:{router.port}/v1/chat/completions"
    command = wrk(place.folder, 2048, "plan", 16)
    done, failed, samples = 0, 0, []
    while done < total:
        # A slice of it a second or so: wrk knows no numbers.
        output = subprocess.run(command + [f"-d{found.count(1, 1, 2)}s", url], capture_output=True, text=True, check=True).stdout
        requests, micros, errors = counted(output)
        done, failed = done + requests, failed + errors
        samples.append((done, router.rss(), router.files(), requests / micros * 1e6))
    warm = [sample for sample in samples if sample[0] >= WARM * total]
    found.number(f"{mode}: requests", done)
    found.number(f"{mode}: requests a second", sum(sample[3] for sample in samples) / len(samples))
    found.expect(failed == 0, f"{mode}: {failed} requests failed")
    # What grows without end grows in each of them.
    tenths = [next(sample[1] for sample in samples if sample[0] >= total * part / 10) for part in range(1, 11)]
    found.figures.append({"what": f"{mode}: MB resident after each tenth", "value": " ".join(f"{mb:.1f}" for mb in tenths),
                          "unit": "", "limit": None})
    # By the line through all samples: single ones go up and down by what the allocator does at that moment.
    grown = slope([sample[1] for sample in warm]) * (len(warm) - 1)
    found.number(f"{mode}: MB grown since", grown, "MB", limit=GROWS)
    files = [sample[2] for sample in warm]
    found.number(f"{mode}: open files, at most", max(files), limit=min(files) + FEW)
