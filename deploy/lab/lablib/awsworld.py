"""Stand-ins for AWS's services on loopback, and homes with AWS's files: whatever is lent says in its key how it came about."""
import hashlib
import http.server
import json
import re
import threading
import time
import urllib.parse


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


class Services(http.server.BaseHTTPRequestHandler):
    """STS, the portal and OIDC of IAM Identity Center, a container's service and an instance's, all on one port."""
    protocol_version = "HTTP/1.1"
    lifetime = 3600
    # What is refreshed once is not taken again.
    refresh_tokens = set()

    def reply(self, text, status=200):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def lend(self, name):
        return {"AccessKeyId": name, "SecretAccessKey": "secret", "Token": "token", "Expiration": iso(self.lifetime)}

    def do_PUT(self):
        self.reply("lease") if self.path == "/latest/api/token" else self.reply("", 404)

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        roles = "/latest/meta-data/iam/security-credentials/"
        if parts.path == "/federation/credentials":
            token = self.headers.get("x-amz-sso_bearer_token", "")
            if not token.startswith("good"):
                return self.reply("{}", 401)
            name = f"SSO({token},{query['account_id']},{query['role_name']})"
            return self.reply(json.dumps({"roleCredentials": {
                "accessKeyId": name, "secretAccessKey": "secret", "sessionToken": "token",
                "expiration": int((time.time() + self.lifetime) * 1000)}}))
        if parts.path == "/container":
            return self.reply(json.dumps(self.lend(f"CONTAINER({self.headers.get('authorization')})")))
        if parts.path in (roles, roles + "role") and self.headers.get("x-aws-ec2-metadata-token") != "lease":
            return self.reply("", 401)
        if parts.path == roles:
            return self.reply("role")
        if parts.path == roles + "role":
            return self.reply(json.dumps(self.lend("INSTANCE(role)") | {"Code": "Success"}))
        self.reply("", 404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        if self.path == "/token":
            order = json.loads(body)
            if order["refreshToken"] not in self.refresh_tokens:
                return self.reply(json.dumps({"error": "invalid_grant"}), 400)
            self.refresh_tokens.discard(order["refreshToken"])
            return self.reply(json.dumps({"accessToken": "good-renewed", "expiresIn": 3600, "refreshToken": "next",
                                          "tokenType": "Bearer"}))
        form = dict(urllib.parse.parse_qsl(body))
        match = re.search(r"Credential=(.*)/\d{8}/([^/]+)/sts/", self.headers.get("authorization", ""))
        signer = f"{match[1]}@{match[2]}" if match else form.get("WebIdentityToken", "nobody")
        rest = [form[name] for name in ("ExternalId", "DurationSeconds") if name in form]
        session = form.get("RoleSessionName", "")
        rest += [session] if session.startswith("named") else []
        name = f"ROLE({','.join([signer, form['RoleArn'], *rest])})"
        action = form["Action"]
        lent = "".join(f"<{key}>{value}</{key}>" for key, value in {
            "AccessKeyId": name, "SecretAccessKey": "secret", "SessionToken": "token", "Expiration": iso(self.lifetime)}.items())
        self.reply(f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>{lent}'
                   f"</Credentials></{action}Result></{action}Response>")

    def log_message(self, *_):
        pass


def start():
    """Serves; gives the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Services)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def token_file(home, name):
    """Where AWS's programs keep a login."""
    return home / ".aws/sso/cache" / (hashlib.sha1(name.encode()).hexdigest() + ".json")


def write_home(home, files):
    """files: path below the home: text."""
    for path, text in files.items():
        target = home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace("$HOME_DIRECTORY", str(home)))
