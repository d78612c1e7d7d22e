"""page_server.py PORT [CERTIFICATE KEY]: a website on 127.0.0.1 that shows page.html, by HTTPS where it has a certificate.

GET /page    the page
GET /never   is not answered: a picture that keeps a page from being done
GET /leave   is the last request: then the rule of nftables goes by which this server is reached in place of another
"""
import http.server
import pathlib
import ssl
import subprocess
import sys
import time

PAGE = pathlib.Path(__file__).with_name("page.html").read_bytes()
# Seconds.
FOREVER = 300


class Website(http.server.ThreadingHTTPServer):
    leaves = False

    def shutdown_request(self, request):
        super().shutdown_request(request)
        if self.leaves:
            # Not before the reply is out: it may be lost with the rule.
            subprocess.run(["nft", "delete", "table", "ip", "website"])


class Handler(http.server.BaseHTTPRequestHandler):
    # A connection of its own for each request.
    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path.startswith("/never"):
            time.sleep(FOREVER)
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(PAGE if self.path.startswith("/page") else b"")
        self.server.leaves = self.path.startswith("/leave")


port, *certificate = sys.argv[1:]
server = Website(("127.0.0.1", int(port)), Handler)
if certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    # Shaken on the connection's own thread, when it first reads.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
