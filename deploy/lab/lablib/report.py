"""What a check finds: figures against their limits, and what is not as it should be."""
import math
import time

CHECKS = {}


class Check:
    """A named check: a function of (lab, findings)."""

    def __init__(self, name, hosts, quick, long_only, network, run):
        self.name, self.hosts, self.quick, self.long_only, self.network, self.run = name, hosts, quick, long_only, network, run

    @property
    def title(self):
        return (self.run.__doc__ or self.name).strip().splitlines()[0].rstrip(".")


def check(name, hosts, quick=False, long_only=False, network=None):
    """Registers a check. hosts: how many the lab has, 0 for an `Alone`; network: further arguments of Lab.up; quick: part of --quick."""
    def register(run):
        CHECKS[name] = Check(name, hosts, quick, long_only, network or {}, run)
        return run
    return register


def percentile(values, share):
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def slope(values):
    """Least squares: how much a value grows from one to the next."""
    count = len(values)
    middle, mean = (count - 1) / 2, sum(values) / count
    below = sum((index - middle) ** 2 for index in range(count))
    return sum((index - middle) * (value - mean) for index, value in enumerate(values)) / below if below else 0.0


class Findings:
    """What one run of a check has found so far. A check passes without faults."""

    def __init__(self, scale="normal"):
        self.scale = scale
        self.figures, self.faults = [], []
        self.began = time.monotonic()

    def count(self, quick, normal, long):
        """How often something is to be done, by --quick and --long."""
        return {"quick": quick, "normal": normal, "long": long}[self.scale]

    def expect(self, condition, fault):
        """Notes a fault where something is not so; the check goes on."""
        if not condition:
            self.faults.append(fault)
        return bool(condition)

    def times(self, what, seconds, limit=None):
        """Notes how long something took; a time that is None stands for never, which is a fault. So is a p95 over the limit (in
        seconds), but with --quick: a machine that builds beside it says nothing of times."""
        missing = sum(value is None for value in seconds)
        known = [value for value in seconds if value is not None]
        figure = {"what": what, "unit": "ms", "samples": len(seconds), "limit": limit and round(limit * 1000),
                  "values": [None if value is None else round(value * 1000, 1) for value in seconds]}
        if known:
            figure |= {"p50": round(percentile(known, 0.5) * 1000, 1), "p95": round(percentile(known, 0.95) * 1000, 1),
                       "max": round(max(known) * 1000, 1)}
        self.figures.append(figure)
        if missing or not known:
            self.faults.append(f"{what}: {missing or 'all'} of {len(seconds)} never happened")
        elif limit is not None and self.scale != "quick" and percentile(known, 0.95) > limit:
            self.faults.append(f"{what}: p95 {figure['p95']} ms, limit {figure['limit']} ms")

    def number(self, what, value, unit="", limit=None):
        """Notes a number; one over the limit is a fault."""
        value = round(value, 2)
        self.figures.append({"what": what, "value": value, "unit": unit, "limit": limit})
        if limit is not None and value > limit:
            self.faults.append(f"{what}: {value} {unit}, limit {limit}".replace("  ", " "))

    def lines(self):
        for figure in self.figures:
            limit = "" if figure["limit"] is None else f"  (limit {figure['limit']})"
            if "samples" in figure:
                shown = f"p50 {figure['p50']}, p95 {figure['p95']}, max {figure['max']} ms of {figure['samples']}" \
                    if "p50" in figure else f"never, of {figure['samples']}"
            else:
                shown = f"{figure['value']} {figure['unit']}".rstrip()
            yield f"{figure['what']}: {shown}{limit}"
