"""A double of the part of Vault's HTTP API that the platform and infra/vault/configure use, written after its documentation
(api-docs of 1.14): status codes, bodies, policies by path, tokens and leases that end, database users that are really made.

No part of it is secure: the root token is "root", and its keys lie in memory. What it has outlives stop() and start(), as a server's
storage does."""

import contextlib
import hashlib
import hmac
import http.server
import json
import pathlib
import re
import secrets
import socket
import ssl
import threading
import time

from engines import Database, Kv, Pki, Refused, Transit, seconds

CAPABILITY = {"GET": {"read"}, "LIST": {"list"}, "POST": {"update", "create"}, "PUT": {"update", "create"}, "DELETE": {"delete"}}
DEFAULT_POLICY = 'path "auth/token/lookup-self" { capabilities = ["read"] }\npath "auth/token/renew-self" { capabilities = ["update"] }'


class Token:
    def __init__(self, policies, life, longest):
        self.id, self.policies, self.life = "hvs." + secrets.token_urlsafe(24), policies, life
        now = time.monotonic()
        self.ends, self.last_end = now + life, now + longest

    def renew(self, increment):
        now = time.monotonic()
        if self.last_end - now < 1:
            raise Refused(500, "1 error occurred:\n\t* past the max TTL, cannot renew\n\n")
        self.ends = min(now + (increment or self.life), self.last_end)
        return max(0, self.ends - now)


class Lease:
    def __init__(self, name, token, life, longest, renew, revoke):
        self.id, self.token, self.life, self.renew_at_source, self.revoke = f"{name}/{secrets.token_urlsafe(18)}", token, life, renew, revoke
        now = time.monotonic()
        self.last_end = now + longest
        self.ends = min(now + life, self.last_end)


class Double:
    """Start and stop it as often as is wanted; `port` stays."""

    def __init__(self, tls=None):
        self.lock = threading.RLock()
        self.tls, self.port, self.server, self.connections = tls, 0, None, set()
        self.sealed, self.initialized = False, True
        self.slow, self.answers = 0.0, []            # seconds before each answer; (pattern of the path, status, body) instead of the true one
        self.running = threading.Event()             # cleared: it takes connections and answers nothing
        self.running.set()
        self.audit_is_full = False
        self.token = "root"
        self.tokens, self.leases, self.approles = {"root": None}, {}, {}
        self.mounts, self.auths, self.policies = {}, set(), {"default": DEFAULT_POLICY}
        self.wrapped, self.audit_file, self.audit_key, self.calls = {}, None, secrets.token_bytes(16), []
        self.ended = threading.Event()

    # -- running it

    def start(self):
        double = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                double.connections.add(self.connection)

            def log_message(self, *arguments):
                pass

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with contextlib.suppress(OSError):
                    status, answer = double.answer(self.command, self.path, self.headers.get("X-Vault-Token", ""), body, self.headers.get("X-Vault-Wrap-TTL"))
                    text = answer if isinstance(answer, bytes) else b"" if answer is None else json.dumps(answer).encode()
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_DELETE = do_LIST = serve  # noqa: N815 (names of the base class)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 64

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.ended.clear()
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        threading.Thread(target=self.reap, daemon=True).start()
        return self

    def stop(self):
        self.running.set()
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.connections.clear()

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def reap(self):
        """What has ended is revoked, the newest first, as Vault's expiration manager does."""
        while not self.ended.wait(0.05):
            if self.sealed or not self.running.is_set():
                continue
            now = time.monotonic()
            with self.lock:
                for token in [t for t in self.tokens.values() if t and t.ends < now]:
                    self.revoke_token(token.id)
                for lease in [x for x in self.leases.values() if x.ends < now]:
                    with contextlib.suppress(Refused):  # the database is away
                        self.revoke_lease(lease.id)

    # -- faults and operators: what tests/vault/server.py has as well

    def seal(self):
        self.sealed = True

    def unseal(self):
        self.sealed = False

    def freeze(self):
        """It takes connections and says nothing."""
        self.running.clear()

    def thaw(self):
        self.running.set()

    def close(self):
        self.stop()
        if database := self.mounts.get("database"):
            database.close()

    def fill_audit(self):
        self.audit_is_full = True

    def empty_audit(self):
        self.audit_is_full = False

    def set_policy(self, name, text):
        self.policies[name] = text

    def revoke_leases(self, word):
        for lease in [x for x in self.leases.values() if word in x.id]:
            self.revoke_lease(lease.id)

    def rotate(self):
        self.mounts["transit"].serve("POST", "keys/bitvelocity/rotate", {}, None)

    def forget_versions_before(self, version):
        self.mounts["transit"].serve("POST", "keys/bitvelocity/config", {"min_decryption_version": version}, None)

    def drop_database_role(self, name):
        del self.mounts["database"].roles[name]

    def authority(self):
        return self.mounts["pki"].serve("GET", "cert/ca", {}, None)["data"]["certificate"]

    def kept(self):
        return {name.removeprefix("bitvelocity/"): versions[-1] for name, versions in self.mounts["secret"].all.items() if versions[-1]}

    def revoke_token(self, token_id):
        """And what was leased under it."""
        with self.lock:
            self.tokens.pop(token_id, None)
            for lease in [x for x in self.leases.values() if x.token == token_id]:
                self.revoke_lease(lease.id)

    def revoke_tokens(self):
        with self.lock:
            for token in [t for t in self.tokens if t != "root"]:
                self.revoke_token(token)

    def revoke_lease(self, lease_id):
        with self.lock:
            if lease := self.leases.pop(lease_id, None):
                lease.revoke()

    def seen(self, pattern):
        return [c for c in list(self.calls) if re.search(pattern, c)]

    # -- the API

    def answer(self, verb, target, token, body, wrap=None):
        path, _, query = target.removeprefix("/v1/").partition("?")
        if verb == "GET" and "list=true" in query:
            verb, path = "LIST", path.rstrip("/") + "/"
        self.running.wait()
        if self.slow:
            time.sleep(self.slow)
        for pattern, status, text in list(self.answers):
            if re.search(pattern, path):
                return status, text
        try:
            with self.lock:
                self.calls.append(f"{verb} {path}")
                status, out = self.route(verb, path, query, token, json.loads(body) if body else {})
                if wrap:
                    out = self.wrap(path, out)
        except Refused as e:
            status, out = e.status, getattr(e, "body", {"errors": e.errors})
        self.write_audit(verb, path, token, status)
        return status, out

    def route(self, verb, path, query, token, body):
        if path == "sys/health":
            state = 501 if not self.initialized else 503 if self.sealed else 200
            return state, {"initialized": self.initialized, "sealed": self.sealed, "standby": False}
        if self.sealed:
            raise Refused(503, "Vault is sealed")
        if self.audit_is_full:  # what cannot be written down is not done
            raise Refused(500, "internal error")
        if path in ("sys/wrapping/lookup", "sys/wrapping/unwrap"):
            return 200, self.unwrap(path, body.get("token", token))
        if match := re.fullmatch(r"auth/([^/]+)/login", path):
            return 200, self.log_in(match[1], body)
        self.check(verb, path, token)
        if path.startswith("sys/"):
            return self.system(verb, path, body)
        if path.startswith("auth/"):
            return self.auth(verb, path, token, body)
        mount, _, rest = path.partition("/")
        if mount not in self.mounts:
            raise Refused(404, f'no handler for route "{path}". route entry not found.')
        out = self.mounts[mount].serve(verb, rest, body, lambda *lease: self.grant(token, path, *lease))
        return (204, None) if out is None else (200, out)

    def wrap(self, path, out):
        token = "hvs." + secrets.token_urlsafe(24)
        self.wrapped[token] = path, out
        return {"wrap_info": {"token": token, "ttl": 300, "creation_path": path}}

    def unwrap(self, path, token):
        if token not in self.wrapped:
            raise Refused(400, "wrapping token is not valid or does not exist")
        made_by, out = self.wrapped[token] if path.endswith("lookup") else self.wrapped.pop(token)
        return {"data": {"creation_path": made_by, "creation_ttl": 300}} if path.endswith("lookup") else out

    def check(self, verb, path, token):
        if token not in self.tokens or (self.tokens[token] and self.tokens[token].ends < time.monotonic()):
            raise Refused(403, "permission denied")
        if token == "root":
            return
        allowed = set()
        for name in self.tokens[token].policies:
            for rule, capabilities in re.findall(r'path\s+"([^"]+)"\s*\{\s*capabilities\s*=\s*\[([^\]]*)\]', self.policies.get(name, "")):
                if path == rule or (rule.endswith("*") and path.startswith(rule[:-1])):
                    allowed |= set(re.findall(r'"([a-z]+)"', capabilities))
        if not allowed & CAPABILITY[verb]:
            raise Refused(403, "1 error occurred:\n\t* permission denied\n\n")

    def log_in(self, mount, body):
        if mount not in self.auths:
            raise Refused(403, "permission denied")  # nobody without a token learns what is mounted
        role = next((r for r in self.approles.values() if r["role_id"] == body.get("role_id")), None)
        if not role or body.get("secret_id") not in role["secret_ids"]:
            raise Refused(400, "invalid role or secret ID")
        token = Token(["default", *role["policies"]], role["life"], role["longest"])
        self.tokens[token.id] = token
        return {"auth": self.describe(token, token.life)}

    @staticmethod
    def describe(token, life):
        return {"client_token": token.id, "accessor": "a." + hashlib.sha256(token.id.encode()).hexdigest()[:16], "policies": token.policies,
                "lease_duration": int(life), "renewable": True, "token_type": "service"}

    def grant(self, token, path, life, longest, renew, revoke, data):
        lease = Lease(path, token, life, longest, renew, revoke)
        self.leases[lease.id] = lease
        return {"lease_id": lease.id, "lease_duration": int(life), "renewable": True, "data": data}

    def renew_lease(self, body):
        lease = self.leases.get(body.get("lease_id"))
        if not lease:
            raise Refused(400, "lease not found")
        now = time.monotonic()
        lease.ends = min(now + (seconds(body.get("increment")) or lease.life), lease.last_end)
        lease.renew_at_source(lease.ends - now)
        return 200, {"lease_id": lease.id, "lease_duration": int(lease.ends - now), "renewable": True}

    def system(self, verb, path, body):
        kind = {"kv": Kv, "transit": Transit, "pki": Pki, "database": Database}
        listed = {"sys/mounts": self.mounts, "sys/auth": self.auths, "sys/audit": ["file"] if self.audit_file else []}
        if verb == "GET" and path in listed:
            return 200, {"data": {f"{name}/": {} for name in listed[path]}}
        if path in ("sys/leases/renew", "sys/leases/revoke"):
            if path.endswith("renew"):
                return self.renew_lease(body)
            self.revoke_lease(body["lease_id"])
        elif match := re.fullmatch(r"sys/mounts/([^/]+)", path):
            if match[1] in self.mounts:
                raise Refused(400, f"path is already in use at {match[1]}/")
            self.mounts[match[1]] = kind[body["type"]]()
        elif match := re.fullmatch(r"sys/auth/([^/]+)", path):
            if match[1] in self.auths:
                raise Refused(400, f"path is already in use at {match[1]}/")
            self.auths.add(match[1])
        elif match := re.fullmatch(r"sys/policies/acl/([^/]+)", path):
            self.policies[match[1]] = body["policy"]
        elif path == "sys/audit/file":
            self.audit_file = pathlib.Path(body["options"]["file_path"])
        elif path == "sys/wrapping/wrap":
            return 200, {"data": body}
        else:
            raise Refused(404, f'no handler for route "{path}". route entry not found.')
        return 204, None

    def auth(self, verb, path, token, body):
        if path == "auth/token/lookup-self":
            return 200, {"data": {"id": token, "ttl": int(self.tokens[token].ends - time.monotonic()) if self.tokens[token] else 0}}
        if path == "auth/token/renew-self":
            return 200, {"auth": self.describe(self.tokens[token], self.tokens[token].renew(seconds(body.get("increment"))))}
        match = re.fullmatch(r"auth/([^/]+)/role/([^/]+)(?:/(role-id|secret-id))?", path)
        if not match or match[1] not in self.auths:
            raise Refused(404, f'no handler for route "{path}". route entry not found.')
        if not match[3]:
            known = self.approles.setdefault(match[2], {"role_id": secrets.token_hex(16), "secret_ids": set()})
            known |= {"policies": body["token_policies"], "life": seconds(body["token_ttl"]), "longest": seconds(body["token_max_ttl"])}
            return 204, None
        role = self.approles[match[2]]
        if match[3] == "role-id" and "role_id" in body:
            role["role_id"] = body["role_id"]
            return 204, None
        if match[3] == "role-id":
            return 200, {"data": {"role_id": role["role_id"]}}
        fresh = secrets.token_hex(16)
        role["secret_ids"].add(fresh)
        return 200, {"data": {"secret_id": fresh, "secret_id_num_uses": 0, "secret_id_ttl": 0}}

    def write_audit(self, verb, path, token, status):
        if self.audit_file:
            known = hmac.new(self.audit_key, token.encode(), "sha256").hexdigest()
            with open(self.audit_file, "a", encoding="utf-8") as out:
                out.write(json.dumps({"type": "response", "auth": {"client_token": f"hmac-sha256:{known}"}, "request": {"operation": verb, "path": path}, "status": status}, separators=(",", ":")) + "\n")
