"""What somebody sees who listens on the network."""
import subprocess
import time

from ..namespaces import wait_for
from ..report import check
from ..trusting import client_key, found as found_cluster, invite, secrets, tls_chat, tls_url
from ..members import await_all


@check("wire", hosts=3, quick=True)
def wire(lab, found):
    """All frames of a session, from the first join to an answer between hosts: no key, token or prompt in clear."""
    desk, box, laptop = lab
    capture = desk.folder / "all.pcap"
    sniffer = desk.begin("tcpdump", "-i", "eth0", "-s", "0", "-w", capture, "-U", "-Z", "root", "--immediate-mode", stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE)
    wait_for(lambda: capture.exists(), 10, "tcpdump")
    found_cluster(desk)
    box.start()
    token = invite(desk, "node")
    box.llmstack("join", token, timeout=30)
    await_all([desk, box])
    key = client_key(desk, "anna", laptop)
    answers = [tls_chat(laptop, tls_url(desk, "/v1/chat/completions"), secrets(desk) / "ca.pem", key, model)
               for model in ("plan", "code-smart")]
    # Between the hosts, too: the desktop is told to take nothing itself.
    desk.llmstack("drain")
    answers.append(tls_chat(laptop, tls_url(desk, "/v1/chat/completions"), secrets(desk) / "ca.pem", key, "plan"))
    desk.llmstack("drain", "--undo")
    time.sleep(0.5)
    sniffer.terminate()
    sniffer.wait(10)
    bytes_seen = capture.read_bytes()
    found.number("bytes on the wire", len(bytes_seen))
    found.expect(len(bytes_seen) > 20000, "hardly anything was seen")
    found.expect(b"_llmstack" in bytes_seen, "not even the advertisement was seen: nothing is proven")
    for answer in answers:
        found.expect(answer.startswith("200"), f"an answer: {answer[:200]}")
    for what, secret in {"the token": token, "the token's secret": token.rsplit("-", 1)[1], "the key": key, "the key's secret":
                         key[14:], "the prompt": "SECRET-PROMPT", "a private key": "PRIVATE KEY"}.items():
        found.expect(secret.encode() not in bytes_seen, f"{what} went over the wire in clear")
