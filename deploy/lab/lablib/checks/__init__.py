"""The checks of deploy/lab/check-discovery: importing this registers them, in the order in which they are run."""
from . import lab, single, records, latency, daemons, strangers, newer, laptop, flood  # noqa: F401
