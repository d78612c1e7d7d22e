"""The first process of a host or of the switch: it keeps the namespaces, and when it ends everything in them ends.

With the argument "tied" it lives as long as somebody holds the other end of its stdin; else until it is killed.
"""
import signal
import sys

# Whatever is orphaned here becomes a child of this process: the kernel buries it.
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if sys.argv[1:] == ["tied"]:
    sys.stdin.buffer.read()
else:
    while True:
        signal.pause()
