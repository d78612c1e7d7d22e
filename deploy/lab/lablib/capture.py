"""capture.py INTERFACE: prints each frame that leaves or reaches an interface for a multicast address, as a line of JSON.

{"out": whether it leaves, "to": MAC address, "type": EtherType, "mdns": whether it is for UDP port 5353,
 "llmstack": whether it has the word in it}. Prints {"ready": true} first.
"""
import json
import socket
import struct
import sys

capture = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
capture.bind((sys.argv[1], 0))
# PACKET_ADD_MEMBERSHIP, PACKET_MR_ALLMULTI
capture.setsockopt(263, 1, struct.pack("iHH8s", socket.if_nametoindex(sys.argv[1]), 2, 0, b""))
print(json.dumps({"ready": True}), flush=True)
while True:
    frame, where = capture.recvfrom(65536)
    to, kind = frame[:6], struct.unpack("!H", frame[12:14])[0]
    if not to[0] & 1 or to == b"\xff" * 6:
        continue
    port = None
    if kind == 0x0800 and frame[23] == 17:
        port = struct.unpack("!H", frame[14 + (frame[14] & 15) * 4 + 2:][:2])[0]
    elif kind == 0x86DD and frame[20] == 17:
        port = struct.unpack("!H", frame[56:58])[0]
    print(json.dumps({
        "out": where[2] == socket.PACKET_OUTGOING, "to": to.hex(":"), "type": f"{kind:04x}", "mdns": port == 5353,
        "udp": port is not None, "llmstack": b"llmstack" in frame}), flush=True)
