"""The router and what it is compared with, before the same upstream."""
import json
import os
import shutil

from .processes import ROOT, ROUTER, Process, free_port, nginx


def haproxy(folder, upstream):
    port = free_port()
    config = folder / "haproxy.cfg"
    config.write_text(f"""
global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend f
  bind 127.0.0.1:{port}
  default_backend b
backend b
  server s 127.0.0.1:{upstream}
""")
    return Process("haproxy", ["haproxy", "-db", "-f", str(config)], port)


def stack(folder):
    """An upstream, and the proxies before it."""
    answer = json.dumps({"id": "c", "object": "chat.completion", "choices": [{"index": 0, "message": {"role": "assistant", "content": "x" * 1800}}]})
    upstream = nginx(folder, "upstream", f"""server {{ listen 127.0.0.1:PORT; location / {{ default_type application/json; return 200 '{answer}'; }} }}""")
    target = f"""upstream u {{ server 127.0.0.1:{upstream.port}; keepalive 64; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:PORT; location / {{ proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}"""
    port = free_port()
    router = Process("llmstack", [ROUTER, "router"], port, env={
        "PATH": os.environ["PATH"], "HOME": str(folder), "LLMSTACK_WORK_DIR": str(folder), "ROUTER_PORT": str(port),
        "LLMSTACK_MODELS_INI": str(ROOT / "models.ini"), "LLAMA_SWAP_URL": f"http://127.0.0.1:{upstream.port}",
        "LOG_LEVEL": "warning"})
    proxies = [router, nginx(folder, "nginx", target)]
    if shutil.which("haproxy"):
        proxies.append(haproxy(folder, upstream.port))
    return upstream, proxies
