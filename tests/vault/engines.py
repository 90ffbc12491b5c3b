"""The engines of the double: KV version 2, transit, PKI, database."""

import base64
import binascii
import datetime
import hashlib
import hmac
import os
import pathlib
import re
import secrets
import shutil
import string
import subprocess
import tempfile
import time
import urllib.parse


class Refused(Exception):
    """An answer with errors."""

    def __init__(self, status, *errors):
        super().__init__(*errors)
        self.status, self.errors = status, list(errors)


def seconds(text):
    number, unit = re.fullmatch(r"([0-9.]+)(ms|s|m|h|)", str(text or 0)).groups()
    return float(number) * {"": 1, "ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit]


class Kv:
    """secret/data/NAME: versions of a document; a deleted one is there, without data."""

    def __init__(self):
        self.all = {}  # name: list of documents, None where it was deleted

    def serve(self, verb, path, body, grant):
        kind, _, name = path.partition("/")
        versions = self.all.get(name, [])
        if kind == "metadata" and verb == "LIST":
            keys = sorted({n[len(name):].split("/")[0] for n in self.all if n.startswith(name)})
            if not keys:
                raise Refused(404)
            return {"data": {"keys": keys}}
        metadata = {"version": len(versions), "created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": False}
        if verb == "GET":
            if not versions:
                raise Refused(404)
            if versions[-1] is None:
                raise Deleted({"data": {"data": None, "metadata": metadata | {"deletion_time": "2026-01-01T00:00:00Z"}}})
            return {"data": {"data": versions[-1], "metadata": metadata}}
        if verb == "DELETE":
            if versions:
                versions[-1] = None
            return None
        wanted = body.get("options", {}).get("cas")
        if wanted is not None and wanted != len(versions):
            raise Refused(400, "check-and-set parameter did not match the current version")
        self.all.setdefault(name, []).append(body["data"])
        return {"data": metadata | {"version": len(self.all[name])}}


class Deleted(Refused):
    """404 with data."""

    def __init__(self, body):
        super().__init__(404)
        self.body = body


class Transit:
    """Named keys with versions. The cipher is a stream of SHA-256 under an HMAC: a double's, not transit's."""

    def __init__(self):
        self.keys = {}

    def serve(self, verb, path, body, grant):
        action, _, rest = path.partition("/")
        name, _, more = rest.partition("/")
        if action == "keys":
            return self.manage(verb, name, more, body)
        if name not in self.keys:
            raise Refused(400, "encryption key not found")
        if action == "encrypt":
            return {"data": self.encrypt(name, base64.b64decode(body["plaintext"]))}
        plain = self.decrypt(name, body["ciphertext"])
        return {"data": {"plaintext": base64.b64encode(plain).decode()} if action == "decrypt" else self.encrypt(name, plain)}

    def manage(self, verb, name, more, body):
        if verb == "GET":
            if name not in self.keys:
                raise Refused(404)
            return {"data": {"name": name, "latest_version": len(self.keys[name]["versions"]), "min_decryption_version": self.keys[name]["least"]}}
        key = self.keys.setdefault(name, {"versions": [secrets.token_bytes(32)], "least": 1})
        if more == "rotate":
            key["versions"].append(secrets.token_bytes(32))
        if more == "config":
            key["least"] = body["min_decryption_version"]
        return None

    @staticmethod
    def stream(key, nonce, size):
        return b"".join(hashlib.sha256(key + nonce + bytes([i])).digest() for i in range(size // 32 + 1))[:size]

    def encrypt(self, name, plain):
        version = len(self.keys[name]["versions"])
        key, nonce = self.keys[name]["versions"][-1], secrets.token_bytes(12)
        sealed = nonce + bytes(a ^ b for a, b in zip(plain, self.stream(key, nonce, len(plain))))
        return {"ciphertext": f"vault:v{version}:" + base64.b64encode(sealed + hmac.digest(key, sealed, "sha256")).decode(), "key_version": version}

    def decrypt(self, name, text):
        match = re.fullmatch(r"vault:v([0-9]+):(.+)", text)
        if not match:
            raise Refused(400, "invalid ciphertext: no prefix")
        version = int(match[1])
        if version < self.keys[name]["least"]:
            raise Refused(400, "ciphertext or signature version is disallowed by policy (too old)")
        try:
            key, whole = self.keys[name]["versions"][version - 1], base64.b64decode(match[2], validate=True)
        except (IndexError, binascii.Error) as e:
            raise Refused(400, "invalid ciphertext: could not decode") from e
        sealed, tag = whole[:-32], whole[-32:]
        if not hmac.compare_digest(tag, hmac.digest(key, sealed, "sha256")):
            raise Refused(400, "cipher: message authentication failed")
        return bytes(a ^ b for a, b in zip(sealed[12:], self.stream(key, sealed[:12], len(sealed) - 12)))


class Pki:
    """An authority on P-256 whose work openssl does."""

    def __init__(self):
        self.folder, self.roles = pathlib.Path(tempfile.mkdtemp(prefix="bv-pki-")), {}

    def openssl(self, *arguments):
        return subprocess.run(["openssl", *map(str, arguments)], cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def __del__(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def serve(self, verb, path, body, grant):
        if path == "cert/ca":
            known = self.folder / "ca.pem"
            return {"data": {"certificate": known.read_text(encoding="ascii") if known.exists() else ""}}
        if path == "root/generate/internal":
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-keyout", "ca.key", "-out", "ca.pem",
                         "-subj", f"/CN={body['common_name']}", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-addext", "basicConstraints=critical,CA:TRUE")
            return {"data": {"certificate": (self.folder / "ca.pem").read_text(encoding="ascii")}}
        action, _, name = path.partition("/")
        if action == "roles":
            self.roles[name] = body
            return None
        return self.issue(name, body)

    def issue(self, name, body):
        role = self.roles.get(name)
        if not role:
            raise Refused(400, f"unknown role: {name}")
        uri, allowed = body.get("uri_sans", ""), role["allowed_uri_sans"]
        if not (allowed.endswith("*") and uri.startswith(allowed[:-1])):
            raise Refused(400, f"either URI Subject Alternative Names are not allowed by this role, or {uri} was not allowed")
        life = min(seconds(body.get("ttl") or role["ttl"]), seconds(role["max_ttl"]))
        stem = secrets.token_hex(8)
        (self.folder / f"{stem}.ext").write_text(
            f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n"
            f"subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nsubjectAltName=critical,URI:{uri}\n", encoding="ascii")
        now = datetime.datetime.now(datetime.timezone.utc)
        ends = now + datetime.timedelta(seconds=life)
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{stem}.key", "-out", f"{stem}.csr", "-subj", "/")
        self.sign(stem, now - datetime.timedelta(seconds=60), ends)
        text = {kind: (self.folder / f"{stem}.{kind}").read_text(encoding="ascii") for kind in ("pem", "key")}
        authority = (self.folder / "ca.pem").read_text(encoding="ascii")
        for left in self.folder.glob(f"{stem}.*"):
            left.unlink()
        return {"data": {"certificate": text["pem"].strip(), "private_key": text["key"].strip(), "private_key_type": "ec", "issuing_ca": authority.strip(),
                         "ca_chain": [authority.strip()], "serial_number": stem, "expiration": int(ends.timestamp())}}

    def sign(self, stem, begins, ends):
        """With openssl ca: of its programs, that one takes times to the second."""
        place = self.folder / f"{stem}.ca"
        place.mkdir()
        (place / "index").touch()
        (place / "conf").write_text(f"[ca]\ndefault_ca=it\n[it]\ndatabase={place}/index\nnew_certs_dir={place}\ncertificate={self.folder}/ca.pem\nprivate_key={self.folder}/ca.key\n"
                                    "default_md=sha256\npolicy=any\nunique_subject=no\nrand_serial=yes\n[any]\ncommonName=optional\n", encoding="ascii")
        self.openssl("ca", "-batch", "-notext", "-config", place / "conf", "-in", f"{stem}.csr", "-out", f"{stem}.pem", "-extfile", f"{stem}.ext",
                     "-startdate", f"{begins:%Y%m%d%H%M%SZ}", "-enddate", f"{ends:%Y%m%d%H%M%SZ}")
        shutil.rmtree(place)


class Database:
    """Makes users in a real PostgreSQL, and takes them back."""

    def __init__(self):
        self.config, self.roles, self.session = None, {}, None

    def sql(self, statements):
        """By one psql that stays, for a start of the program takes longer than all else."""
        if self.session is None or self.session.poll() is not None:
            where = self.config["connection_url"].replace("{{username}}", urllib.parse.quote(self.config["username"]))
            where = where.replace("{{password}}", urllib.parse.quote(self.config["password"]))
            self.session = subprocess.Popen([shutil.which("psql") or "/usr/lib/postgresql/15/bin/psql", "-X", "-q", "-At", "-d", where], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "PGCONNECT_TIMEOUT": "5"})
        said = []
        try:
            self.session.stdin.write("BEGIN;\n" + "".join(f"{s};\n" for s in statements) + "COMMIT;\n\\echo done\n")
            self.session.stdin.flush()
            for line in self.session.stdout:
                if line.strip() == "done":
                    break
                said.append(line.strip())
        except BrokenPipeError:
            said.append("FATAL: " + self.session.stdout.read())
        if self.session.poll() is not None or any(re.search("ERROR:|FATAL:|error:", line) for line in said):
            raise Refused(500, f"1 error occurred:\n\t* failed to execute query: {' '.join(said)}\n\n")

    def close(self):
        if self.session:
            self.session.stdin.close()
            self.session.wait(10)

    def serve(self, verb, path, body, grant):
        action, _, name = path.partition("/")
        if action == "config":
            self.config = body
            self.sql(["SELECT 1"])
            return None
        if action == "roles":
            self.roles[name] = body
            return None
        role = self.roles.get(name)
        if not role:
            raise Refused(400, f"unknown role: {name}")
        user, password = f"v-approle-{name[:8]}-{''.join(secrets.choice(string.ascii_letters + string.digits) for _ in range(20))}-{int(time.time())}", secrets.token_urlsafe(15)
        life, longest = seconds(role["default_ttl"]), seconds(role["max_ttl"])

        def run(statements, left):
            ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=left)
            words = {"{{name}}": user, "{{username}}": user, "{{password}}": password, "{{expiration}}": f"{ends:%Y-%m-%d %H:%M:%S%z}"}
            filled = list(statements)
            for word, by in words.items():
                filled = [s.replace(word, by) for s in filled]
            self.sql(filled)

        run(role["creation_statements"], life + 1)
        return grant(life, longest, lambda left: run(role["renew_statements"], left + 1), lambda: run(role["revocation_statements"], 0), {"username": user, "password": password})
