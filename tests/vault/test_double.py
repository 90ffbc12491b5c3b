"""That the double and Vault itself do the same, where the platform rests on it."""

import os
import subprocess

import requests

from vaults import kind, postgres, vault_and_postgres  # noqa: F401 (fixtures)


def log_in(vault):
    found = dict(s.split("=", 1) for s in vault.settings)
    answer = requests.post(f"{vault.server.url}/v1/auth/approle/login", timeout=10,
                           json={"role_id": found["vault.role_id"], "secret_id": (vault.folder / "secret-id").read_text().strip()})
    session = requests.Session()
    session.headers["X-Vault-Token"] = answer.json()["auth"]["client_token"]
    return session


def test_database_logins_are_real_and_end_with_their_lease(vault_and_postgres, postgres):  # noqa: F811
    server, caller = vault_and_postgres.server, log_in(vault_and_postgres)

    def known():
        return postgres.psql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-approle-%'", "shop").stdout.split()

    postgres.psql("DO $$ BEGIN CREATE ROLE bv_orders LOGIN; EXCEPTION WHEN duplicate_object THEN END $$", "shop")
    lent = caller.get(f"{server.url}/v1/database/creds/bitvelocity-orders", timeout=10).json()
    user = lent["data"]
    assert (lent["lease_duration"], lent["renewable"], known()) == (6, True, [user["username"]])
    conninfo = postgres.conninfo(user["username"], user["password"], "shop")
    acting = subprocess.run(["psql", "-XqAt", "-d", conninfo, "-c", "SELECT session_user, current_user"], capture_output=True, text=True, check=True,
                            env={**os.environ, "PGOPTIONS": "-c role=bv_orders"})
    assert acting.stdout.strip() == f"{user['username']}|bv_orders"
    renewed = caller.put(f"{server.url}/v1/sys/leases/renew", json={"lease_id": lent["lease_id"], "increment": 6}, timeout=10)
    assert renewed.json()["lease_duration"] == 6
    with subprocess.Popen(["psql", "-XqAt", "-d", conninfo, "-c", "SELECT pg_sleep(600)"], stderr=subprocess.PIPE, text=True) as at_work:
        server.revoke_tokens()
        assert at_work.wait(20) != 0
    assert known() == []
    gone = caller.put(f"{server.url}/v1/sys/leases/renew", json={"lease_id": lent["lease_id"]}, timeout=10)
    assert gone.status_code == 403, "the token is gone as well"
    gone = requests.put(f"{server.url}/v1/sys/leases/renew", json={"lease_id": lent["lease_id"]}, headers={"X-Vault-Token": server.token}, timeout=10)
    assert (gone.status_code, gone.json()) == (400, {"errors": ["lease not found"]})


def test_policies_and_check_and_set(vault_and_postgres):  # noqa: F811
    server, caller = vault_and_postgres.server, log_in(vault_and_postgres)
    secret = f"{server.url}/v1/secret/data/bitvelocity/x"
    assert (caller.get(secret, timeout=10).status_code, caller.get(secret, timeout=10).json()) == (404, {"errors": []})
    assert caller.post(secret, json={"data": {"value": "a"}, "options": {"cas": 0}}, timeout=10).json()["data"]["version"] == 1
    again = caller.post(secret, json={"data": {"value": "b"}, "options": {"cas": 0}}, timeout=10)
    assert (again.status_code, again.json()["errors"]) == (400, ["check-and-set parameter did not match the current version"])
    caller.delete(secret, timeout=10)
    deleted = caller.get(secret, timeout=10)
    assert (deleted.status_code, deleted.json()["data"]["data"], deleted.json()["data"]["metadata"]["version"]) == (404, None, 1)
    assert caller.get(f"{server.url}/v1/secret/data/strangers/x", timeout=10).status_code == 403
    assert caller.put(f"{server.url}/v1/sys/mounts/more", json={"type": "kv"}, timeout=10).status_code == 403
    server.seal()
    sealed = caller.get(secret, timeout=10)
    assert (sealed.status_code, sealed.json()) == (503, {"errors": ["Vault is sealed"]})
    assert requests.get(f"{server.url}/v1/sys/health", timeout=10).status_code == 503
    server.unseal()
    audit = (vault_and_postgres.folder / "audit/audit.log").read_text()
    assert '"path":"secret/data/bitvelocity/x"' in audit and caller.headers["X-Vault-Token"] not in audit
