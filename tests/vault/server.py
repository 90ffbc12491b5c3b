"""The real Vault, with the faults and the operator's work that tests/vault/double.py has as well."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess

import requests

from conftest import ROOT, wait_for

PROGRAM = pathlib.Path(os.environ.get("BV_TEST_VAULT_PROGRAM", ROOT / "build/tools/bin/vault"))


def is_built():
    return PROGRAM.exists() and ("BV_TEST_VAULT_PROGRAM" in os.environ or subprocess.run([ROOT / "infra/vault/fetch", "--check"], check=False).returncode == 0)


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    try:
        for s in held:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()


class Server:
    """Start and stop it as often as is wanted: its port and what it keeps stay. It is unsealed at each start."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "server"
        (self.folder / "raft").mkdir(parents=True)
        self.port, cluster = free_ports(2)
        self.process, self.keys, self.audit = None, self.folder / "keys.json", pathlib.Path(folder) / "audit/audit.log"
        listener = {"address": f"127.0.0.1:{self.port}", "cluster_address": f"127.0.0.1:{cluster}", "tls_disable": True}
        (self.folder / "config.json").write_text(json.dumps({
            "storage": {"raft": {"path": str(self.folder / "raft"), "node_id": "test", "performance_multiplier": 1}}, "listener": {"tcp": listener},
            "api_addr": self.url, "cluster_addr": f"https://127.0.0.1:{cluster}", "disable_mlock": True}), encoding="utf-8")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self):
        return json.loads(self.keys.read_text())["root_token"]

    def start(self):
        with open(self.folder / "log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([PROGRAM, "server", f"-config={self.folder}/config.json"], stdout=log, stderr=log, start_new_session=True)

        def listens():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        wait_for(listens, 30)
        self.unseal()
        return self

    def stop(self):
        """As a crash would."""
        self.process.kill()
        self.process.wait(10)

    def call(self, verb, path, body=None):
        answer = requests.request(verb, f"{self.url}/v1/{path}", json=body, headers={"X-Vault-Token": self.token}, timeout=30)
        assert answer.status_code < 300, f"{verb} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}

    # -- faults and operators

    def seal(self):
        self.call("PUT", "sys/seal")

    def unseal(self):
        done = subprocess.run([ROOT / "infra/vault/open", "--address", self.url, "--keys", self.keys], capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stderr

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def fill_audit(self):
        """Its folder is a file system of its own."""
        space = os.statvfs(self.audit.parent)
        (self.audit.parent / "ballast").write_bytes(b"\0" * (space.f_bavail * space.f_frsize))

    def empty_audit(self):
        (self.audit.parent / "ballast").unlink()

    def set_policy(self, name, text):
        self.call("PUT", f"sys/policies/acl/{name}", {"policy": text})

    def revoke_tokens(self):
        own = self.call("GET", "auth/token/lookup-self")["data"]["accessor"]
        for accessor in self.call("LIST", "auth/token/accessors")["data"]["keys"]:
            if accessor != own:
                self.call("POST", "auth/token/revoke-accessor", {"accessor": accessor})

    def revoke_leases(self, word):
        for role in self.call("LIST", "sys/leases/lookup/database/creds/")["data"]["keys"]:
            if word in role:
                self.call("PUT", f"sys/leases/revoke-prefix/database/creds/{role.rstrip('/')}")

    def rotate(self):
        self.call("POST", "transit/keys/bitvelocity/rotate")

    def forget_versions_before(self, version):
        self.call("POST", "transit/keys/bitvelocity/config", {"min_decryption_version": version})

    def drop_database_role(self, name):
        self.call("DELETE", f"database/roles/{name}")

    def authority(self):
        return self.call("GET", "pki/cert/ca")["data"]["certificate"]

    def kept(self):
        """What is in KV under bitvelocity/: {name: document}."""
        out = {}
        for name in self.call("LIST", "secret/metadata/bitvelocity/")["data"]["keys"]:
            answer = requests.get(f"{self.url}/v1/secret/data/bitvelocity/{name}", headers={"X-Vault-Token": self.token}, timeout=30)
            if answer.status_code == 200:
                out[name] = answer.json()["data"]["data"]
        return out

    def seen(self, pattern):
        """Requests that it has answered, from its audit log."""
        with open(self.audit, encoding="utf-8") as lines:
            paths = [e["request"]["path"] for e in map(json.loads, filter(lambda line: line.endswith("\n"), lines)) if e["type"] == "response"]
        return [p for p in paths if re.search(pattern, p)]

    def close(self):
        self.thaw()
        self.stop()
