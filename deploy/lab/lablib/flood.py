"""flood.py COUNT: sends COUNT services _llmstack._tcp of nobody as mDNS responses, many a second, from this host.

They are by turns: a node of another cluster; without an id; with a version that is no number; with bytes that are no
text; with 1,200 bytes of TXT; and with the name of a tier's subtype. Prints how many were sent.
"""
import os
import random
import socket
import struct
import sys
import time

GROUP = ("224.0.0.251", 5353)
PTR, TXT, SRV, A, UNIQUE = 12, 16, 33, 1, 0x8000


def name(*labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner, kind, data, unique=True):
    return owner + struct.pack("!HHIH", kind, 1 | (UNIQUE if unique else 0), 120, len(data)) + data


def entries(*texts):
    return b"".join(bytes([len(text)]) + text for text in texts)


def txt(number):
    identity = b"id=%016d" % number
    return [
        entries(b"v=1", b"cid=othercluster%04d" % (number % 7), identity, b"name=other", b"gen=1", b"tiers=code-smart,plan"),
        entries(b"v=1", b"cid=othercluster0001", b"name=other"),
        entries(b"v=banana", b"cid=x", identity),
        entries(b"v=1", b"\xff\xfe=\x00\x01", os.urandom(60), b"id="),
        entries(b"v=1", identity, *[b"x%d=" % index + b"y" * 230 for index in range(5)]),
        entries(b"v=1", b"cid=othercluster0002", identity, b"name=" + b"n" * 200),
    ][number % 6]


def service(number):
    kind = (b"_llmstack", b"_tcp", b"local")
    instance = name(b"flood %05d" % number, *kind)
    host = name(b"flood%05d" % number, b"local")
    records = [
        record(name(*kind), PTR, instance, unique=False),
        record(instance, SRV, struct.pack("!HHH", 0, 0, 10103) + host),
        record(instance, TXT, txt(number)),
        record(host, A, bytes([10, 99, number >> 8 & 255, number & 255])),
    ]
    return struct.pack("!HHHHHH", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records)


count = int(sys.argv[1])
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
# Only what comes from port 5353 is a response; Avahi of this host shares it.
sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
sender.bind(("", 5353))
order = list(range(count))
random.Random(1).shuffle(order)
for sent, number in enumerate(order, 1):
    sender.sendto(service(number), GROUP)
    if sent % 50 == 0:
        # 5,000 a second: more than any network has of them.
        time.sleep(0.01)
print(count)
