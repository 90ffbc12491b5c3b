"""Vault's HTTP API for what sets a server up, and files that only their owner reads."""

import json
import os
import pathlib
import ssl
import sys
import urllib.error
import urllib.request


class Vault:
    def __init__(self, address="", token=""):
        self.address = (address or os.environ.get("VAULT_ADDR", "https://127.0.0.1:8200")).rstrip("/")
        self.token = token or os.environ.get("VAULT_TOKEN", "")
        self.tls = ssl.create_default_context(cafile=os.environ.get("VAULT_CACERT"))

    def call(self, verb, path, body=None, expected=(), wrap=""):
        """The answer; None when it is an error that has one of the expected texts. wrap: how long a token is good that opens it instead."""
        request = urllib.request.Request(f"{self.address}/v1/{path}", json.dumps(body).encode() if body is not None else None,
                                         {"X-Vault-Token": self.token, "X-Vault-Request": "true", **({"X-Vault-Wrap-TTL": wrap} if wrap else {})}, method=verb)
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.tls if self.address.startswith("https") else None) as answer:
                text = answer.read()
                return json.loads(text) if text else {}
        except urllib.error.HTTPError as e:
            said = e.read().decode(errors="replace").strip()
            if any(text in said for text in expected):
                return None
            sys.exit(f"{verb} {path}: {e.code}: {said}")
        except OSError as e:
            sys.exit(f"Vault at {self.address} cannot be reached: {e}. VAULT_ADDR says where it is, VAULT_CACERT whose certificate to trust")


def write_private(path, text):
    """Mode 0600; the old or the new is there, also after a crash."""
    fresh = pathlib.Path(f"{path}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text + "\n")
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)
    folder = os.open(fresh.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
