"""Secrets, keys and certificates from Vault: what lies where, and what happens when it is sealed, away, slow, or says no."""

import os
import subprocess

import pytest
import requests

from conftest import BUILD, ROOT, final, place, wait_for
from double import Double
from vaults import Configured, double, kind, vault, vault_module, vault_on_a_small_disk  # noqa: F401 (fixtures)


def refused(p, settings, *more):
    """What a start says that does not begin."""
    p.settings = [*settings, *more]
    result = p.run("up", "--port", "0", *[word for s in p.settings for word in ("--set", s)], timeout=60)
    assert result.code != 0, result
    assert not (p.folder / "secrets/secrets.sealed").exists() and not (p.folder / "postgres").exists(), "something was begun all the same"
    return result.err


def order(p, shopper):
    sku = p.client().get("/v1/products", pageSize=1)["products"][0]["sku"]
    return final(shopper, place(shopper, [(sku, 1)])["id"], 60)["status"]


def test_the_contract_of_every_store(vault):  # noqa: F811
    found = dict(s.split("=", 1) for s in vault.settings)
    done = subprocess.run([f"{BUILD}/platform/bv_vault_contract_test"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
                          env={**os.environ, "BV_TEST_VAULT_ADDRESS": vault.server.url, "BV_TEST_VAULT_ROLE_ID": found["vault.role_id"],
                               "BV_TEST_VAULT_SECRET_ID_FILE": found["vault.secret_id_file"]})
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_configuring_again_changes_nothing(vault):  # noqa: F811
    before = vault.settings
    assert vault.configure().settings == before


def test_the_services_of_configure_are_the_platforms(vault):  # noqa: F811
    text = (ROOT / "infra/vault/configure").read_text(encoding="utf-8")
    roles = (ROOT / "app/roles.cpp").read_text(encoding="utf-8")
    for service in text.split("SERVICES = (")[1].split(")")[0].replace('"', "").split(", "):
        assert service == "log" or f'"{service}"' in roles, service


def test_a_start_that_cannot_be_is_refused_with_what_to_mend(own_platform, vault):  # noqa: F811
    p = own_platform()
    ok = vault.settings
    assert "vault.ca_file" in refused(p, vault.with_setting("vault.address=https://127.0.0.1:9"))
    assert "plain HTTP" in refused(p, vault.with_setting("vault.address=http://vault.example:8200"))
    assert "needs it" in refused(p, vault.with_setting("vault.role_id="))
    assert "MOUNT/NAME" in refused(p, vault.with_setting("vault.kv=secret"))
    assert "refuses the log-in" in refused(p, vault.with_setting("vault.role_id=nobody"))
    assert "mode 0600" in refused(p, vault.with_setting("vault.secret_id_file=/nowhere/secret-id"))
    secret_id = vault.folder / "secret-id"
    secret_id.chmod(0o644)
    assert "chmod 600" in refused(p, ok)
    secret_id.chmod(0o600)
    assert "infra/vault/configure" in refused(p, vault.with_setting("vault.approle=elsewhere"))
    vault.server.seal()
    assert "vault operator unseal" in refused(p, ok)
    vault.server.unseal()
    vault.server.freeze()
    assert "vault.address" in refused(p, ok)
    vault.server.thaw()
    vault.server.stop()
    assert "vault.address" in refused(p, ok)
    vault.server.start()


def test_what_no_vault_says_stops_the_start(own_platform, double):  # noqa: F811
    p, ok = own_platform(), double.settings
    double.server.answers = [("login", 200, b"<html>a proxy</html>")]
    assert "is it Vault that answers there" in refused(p, ok)
    double.server.answers = [("login", 500, b"{}")]
    assert "status 500" in refused(p, ok)
    double.server.answers, double.server.slow = [], 1.5
    assert "no answer before the deadline" in refused(p, ok)


def test_a_policy_that_says_no_stops_the_start(own_platform, vault):  # noqa: F811
    vault.server.set_policy("bitvelocity", 'path "auth/token/nothing" { capabilities = ["read"] }')
    p = own_platform(*vault.settings)
    result = p.run("up", "--port", "0", *[word for s in p.settings for word in ("--set", s)], timeout=90)
    assert result.code != 0
    assert "policy.hcl" in result.err and "secret/data/bitvelocity/" in result.err


def test_everything_secret_is_in_vault_and_a_restart_finds_it(own_platform, vault):  # noqa: F811
    p = own_platform(*vault.settings).start()
    shopper = p.shopper()
    assert order(p, shopper) == "ORDER_STATUS_CONFIRMED"
    kept = vault.kv
    assert {"database.orders.password", "identity.field-kek", "identity.field-keys", "identity.signing-kek", "identity.signing-keys", "dev.admin.password"} <= set(kept)
    for key in ("identity.field-kek", "identity.signing-kek"):
        assert kept[key]["value"].startswith("vault:v1:"), key
    assert not (p.folder / "secrets").exists()
    values = [v for d in kept.values() for v in d.values()]
    for file in [p.folder / "platform.json", p.folder / "vault.json", *(p.folder / "log").glob("*.log"), vault.folder / "audit/audit.log"]:
        text = file.read_text(encoding="utf-8")
        assert not any(v in text for v in values if len(v) > 8), file
    assert vault_module(p)["ready"]
    assert "bv_vault_up 1" in p.metrics_text()
    p.verified()
    p.stop()
    p.start()
    assert order(p, p.again(shopper)) == "ORDER_STATUS_CONFIRMED"


def test_a_data_directory_has_its_secrets_in_one_place(own_platform, vault):  # noqa: F811
    p = own_platform().start()
    shopper = p.shopper()
    p.stop()
    sets = [word for s in vault.settings for word in ("--set", s)]
    begun = p.run("up", "--port", "0", *sets)
    assert begun.code != 0 and "bv secret --to-vault" in begun.err
    moved = p.run("secret", "--to-vault", *sets)
    assert moved.code == 0 and "secrets are in Vault now" in moved.out, moved
    begun = p.run("up", "--port", "0")
    assert begun.code != 0 and "secrets.backend=vault" in begun.err
    p.settings += vault.settings
    p.start()
    assert order(p, p.again(shopper)) == "ORDER_STATUS_CONFIRMED", "its e-mail address is read with the keys that were moved"
    assert vault.kv["identity.field-kek"]["value"].startswith("vault:v1:")
    p.verified()


def test_while_vault_is_away_the_platform_goes_on_and_says_so(own_platform, vault):  # noqa: F811
    p = own_platform(*vault.settings).start()
    shopper = p.shopper()

    def away():
        return vault_module_without_vault(p, operator_key)

    operator_key = p.secret("dev.operator.api_key")
    vault.server.seal()
    wait_for(lambda: "is sealed" in away().get("reason", ""), 20)
    assert away()["ready"] and "log-in holds for" in away()["reason"]
    assert order(p, shopper) == "ORDER_STATUS_CONFIRMED"
    answer = requests.get(p.url + "/readyz", timeout=10)
    assert (answer.status_code, answer.text.split("\n")[0]) == (200, "ready")
    assert "unseal" in answer.text
    told = p.run("status")
    assert told.code == 0 and "log-in holds for" in told.out, told
    assert "bv_vault_up 0" in requests.get(p.url + "/metrics", timeout=10).text
    vault.server.unseal()
    wait_for(lambda: not away().get("reason"), 20)

    vault.server.freeze()
    wait_for(lambda: "no answer before the deadline" in away().get("reason", ""), 30)
    assert order(p, shopper) == "ORDER_STATUS_CONFIRMED"
    vault.server.thaw()
    wait_for(lambda: not away().get("reason"), 20)

    vault.server.stop()
    wait_for(lambda: "cannot connect" in away().get("reason", ""), 30)
    assert order(p, shopper) == "ORDER_STATUS_CONFIRMED"
    vault.server.start()
    wait_for(lambda: not away().get("reason"), 20)


def test_a_vault_whose_audit_log_is_full_is_away_and_stays_so_until_there_is_room(own_platform, vault_on_a_small_disk):  # noqa: F811
    """It says that it is well all the same: what cannot be written down is refused, and that it does not write down."""
    server = vault_on_a_small_disk.server
    p = own_platform(*vault_on_a_small_disk.settings).start()
    shopper, operator_key = p.shopper(), p.secret("dev.operator.api_key")

    def reason():
        return vault_module_without_vault(p, operator_key).get("reason", "")

    def lines(event):
        return [line for line in p.log_lines()["platform"] if line["event"] == event]
    server.fill_audit()
    wait_for(lambda: "status 500" in reason(), 30)
    assert requests.get(f"{server.url}/v1/sys/health", timeout=10).status_code == 200
    assert order(p, shopper) == "ORDER_STATUS_CONFIRMED"
    assert (len(lines("vault.away")), len(lines("vault.back"))) == (1, 0)
    server.empty_audit()
    wait_for(lambda: not reason(), 30)
    assert (len(lines("vault.away")), len(lines("vault.back"))) == (1, 1)
    assert order(p, shopper) == "ORDER_STATUS_CONFIRMED"


def test_a_vault_that_answers_nonsense_is_away(own_platform, double):  # noqa: F811
    p = own_platform(*double.settings).start()
    shopper, operator_key = p.shopper(), p.secret("dev.operator.api_key")
    double.server.answers = [("health", 200, b"not JSON"), ("data/", 200, b"{")]
    wait_for(lambda: "no JSON object" in vault_module_without_vault(p, operator_key).get("reason", ""), 20)
    assert order(p, shopper) == "ORDER_STATUS_CONFIRMED"
    double.server.answers = []
    wait_for(lambda: not vault_module_without_vault(p, operator_key).get("reason"), 20)


def vault_module_without_vault(p, key):
    """As vaults.vault_module, with a key that was read before: commands ask Vault for it."""
    return next(m for m in p.client(api_key=key).get("/v1/platform/status")["modules"] if m["name"] == "vault")


def test_a_token_that_was_revoked_is_followed_by_another(own_platform, vault):  # noqa: F811
    p = own_platform(*vault.settings).start()
    before = len(vault.server.seen("auth/approle/login"))
    vault.server.revoke_tokens()
    wait_for(lambda: len(vault.server.seen("auth/approle/login")) > before, 30)
    assert p.secret("dev.operator.api_key")
    assert vault_module(p).get("reason", "") == ""


def test_a_token_is_renewed_and_near_its_last_end_followed_by_another(own_platform, vault):  # noqa: F811
    vault.configure("--token", "2s", "--longest-token", "5s")
    p = own_platform(*vault.settings).start()
    begun = len(vault.server.seen("auth/approle/login"))
    wait_for(lambda: len(vault.server.seen("renew-self")) >= 2, 20)
    wait_for(lambda: len(vault.server.seen("auth/approle/login")) >= begun + 2, 30)
    assert vault_module(p).get("reason", "") == ""
    assert not [line for line in p.log_lines()["platform"] if line["event"] == "vault.away"]


def test_a_wrapped_secret_id_is_opened_once(own_platform, vault):  # noqa: F811
    token = vault.folder / "wrapping-token"
    vault.secret_id = "--wrapping-token-file", token
    p = own_platform(*vault.configure().settings)
    assert "provider.url" in refused(p, vault.settings)
    p.settings += ["provider.url=http://127.0.0.1:9"]
    p.start()
    assert not token.exists()
    before = len(vault.server.seen("auth/approle/login"))
    vault.server.revoke_tokens()
    wait_for(lambda: len(vault.server.seen("auth/approle/login")) > before, 30)  # by what it keeps
    shopper = p.shopper()
    assert not [f for f in p.folder.rglob("*secret*") if "postgres" not in f.parts], "it is nowhere on the disk"
    told = p.run("secret", "dev.admin.password")
    assert told.code != 0 and "one of its own" in told.err, told
    p.stop()

    def start():
        done = p.run("up", "--port", "0", *[word for s in p.settings for word in ("--set", s)], timeout=60)
        assert done.code != 0, done
        return done.err
    assert "needs a fresh one" in start()
    stolen = vault.configure().folder / "stolen"
    stolen.write_text(token.read_text())
    requests.post(f"{vault.server.url}/v1/sys/wrapping/unwrap", headers={"X-Vault-Token": stolen.read_text().strip()}, timeout=10).raise_for_status()
    assert "somebody else has opened it" in start()
    false = requests.post(f"{vault.server.url}/v1/sys/wrapping/wrap", json={"secret_id": "mine"}, headers={"X-Vault-Token": vault.server.token, "X-Vault-Wrap-TTL": "60"}, timeout=10)
    token.write_text(false.json()["wrap_info"]["token"])
    assert "gives no secret id" in start()
    vault.configure()
    p.start()
    assert p.again(shopper)


def test_a_new_version_of_transits_key_wraps_again(own_platform, vault):  # noqa: F811
    p = own_platform(*vault.settings).start()
    shopper = p.shopper()
    vault.server.rotate()
    wait_for(lambda: all(vault.kv[k]["value"].startswith("vault:v2:") for k in ("identity.field-kek", "identity.signing-kek")), 60)
    vault.server.forget_versions_before(2)
    p.stop()
    p.start()
    assert order(p, p.again(shopper)) == "ORDER_STATUS_CONFIRMED"


def test_a_rotation_of_field_keys_goes_through_vault(own_platform, vault):  # noqa: F811
    p = own_platform(*vault.settings).start()
    shopper, before = p.shopper(), vault.kv["identity.field-keys"]["value"]
    result = p.run("keys", "rotate-fields")
    assert result.code == 0, result
    assert vault.kv["identity.field-keys"]["value"] != before
    assert order(p, p.again(shopper)) == "ORDER_STATUS_CONFIRMED"


def test_processes_have_certificates_of_vaults_authority(own_platform, vault):  # noqa: F811
    """And get the next ones without a restart; while Vault is away, they go on with those they have."""
    p = own_platform(*vault.with_setting("vault.call_timeout=10s"), "profile=full", "peers.certificate_life=40s").start()  # the double's openssl is slow
    shopper = p.shopper()
    assert order(p, shopper) == "ORDER_STATUS_CONFIRMED"
    assert "internal.authority" not in vault.kv
    trust = vault.folder / "ca.pem"
    trust.write_text(vault.server.authority())
    one = next(r for r in p.processes() if r["role"] == "order")
    shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{one['port']}", "-CAfile", trust], input="", capture_output=True, text=True, timeout=20, check=False)
    assert "CN=authority of bitvelocity.internal" in shown.stdout.replace(" = ", "="), shown.stdout
    pids = {r["role"]: r["pid"] for r in p.processes()}
    issued = len(vault.server.seen("pki/issue"))
    assert issued >= len(pids)
    vault.server.seal()
    wait_for(lambda: any(line["event"] == "stack.identity_not_issued" for line in p.log_lines()["platform"]), 60)
    vault.server.unseal()
    wait_for(lambda: len(vault.server.seen("pki/issue")) >= 2 * issued, 60)
    assert order(p, shopper) == "ORDER_STATUS_CONFIRMED"
    assert {r["role"]: r["pid"] for r in p.processes()} == pids


@pytest.mark.parametrize("trusted", [True, False])
def test_its_own_certificate_is_checked(own_platform, tmp_path, trusted):
    for name in ("server", "other"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=vault.test",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-out", tmp_path / f"{name}.pem", "-keyout", tmp_path / f"{name}.key"], check=True, capture_output=True)
    server = Double(tls=(tmp_path / "server.pem", tmp_path / "server.key")).start()
    try:
        os.environ["VAULT_CACERT"] = str(tmp_path / "server.pem")
        known = Configured(server, tmp_path).configure()
        p = own_platform()
        if trusted:
            p.settings += [*known.settings, f"vault.ca_file={tmp_path / 'server.pem'}"]
            assert p.start().secret("dev.admin.password")
        else:
            assert "vault.ca_file" in refused(p, known.settings, f"vault.ca_file={tmp_path / 'other.pem'}")
    finally:
        os.environ.pop("VAULT_CACERT")
        server.stop()
