"""The private Vault of --with vault: it is there by itself, unsealed again after it died, and what it guards is guarded."""

import json
import os
import signal
import stat

import pytest
import requests

from conftest import ROOT, final, place, wait_for
from server import PROGRAM, is_built

PRIVATE = ("stack.with=vault", f"vault.program={PROGRAM}", f"vault.files={ROOT / 'infra/vault'}")


@pytest.fixture(autouse=True)
def built():
    if not is_built():
        pytest.skip("Vault itself is not built here: infra/vault/fetch builds it")


def order(p, shopper):
    sku = p.client().get("/v1/products", pageSize=1)["products"][0]["sku"]
    return final(shopper, place(shopper, [(sku, 1)])["id"], 60)["status"]


def call(p, verb, path, body=None, token=None):
    token = token or json.loads((p.folder / "vault/keys.json").read_text())["root_token"]
    return requests.request(verb, f"{p.state()['vault']}/v1/{path}", json=body, headers={"X-Vault-Token": token}, timeout=20)


def health(p):
    try:
        return call(p, "GET", "sys/health").status_code
    except requests.RequestException:
        return 0


def log_in(p, role):
    secret_id = (p.folder / "vault/secret-ids" / role).read_text().strip()
    answer = call(p, "POST", "auth/approle/login", {"role_id": f"bitvelocity-{role}", "secret_id": secret_id}, "none")
    assert answer.status_code == 200, answer.text
    return answer.json()["auth"]["client_token"]


def reason(p, key):
    return next(m for m in p.client(api_key=key).get("/v1/platform/status")["modules"] if m["name"] == "vault").get("reason", "")


def test_it_dies_is_sealed_and_starts_again_and_the_platform_goes_on(own_platform):
    p = own_platform(*PRIVATE).start()
    shopper, key = p.shopper(), p.secret("dev.operator.api_key")
    assert order(p, shopper) == "ORDER_STATUS_CONFIRMED"
    for file in [p.folder / "vault/keys.json", *(p.folder / "vault/secret-ids").iterdir()]:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE((p.folder / "vault/server").stat().st_mode) == 0o700
    assert not (p.folder / "secrets").exists()
    shown = p.run("status", "--json")
    assert json.loads(shown.out)["processes"]["vault"]["bytes"] > 0, shown
    assert "v-approle-" in p.sql("SELECT string_agg(DISTINCT usename::text, ' ') FROM pg_stat_activity WHERE application_name LIKE 'bitvelocity/%'")[0][0]

    log = p.folder / "vault/server/audit.log"
    os.truncate(log, 65 << 20)
    wait_for(lambda: log.with_suffix(".log.1").exists() and log.exists() and log.stat().st_size > 0, 30)  # it writes on, into another
    assert log.stat().st_size < 65 << 20

    first = p.state()["vault_pid"]
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: p.state()["vault_pid"] not in (0, first), 30)
    wait_for(lambda: health(p) == 200, 30)
    wait_for(lambda: not reason(p, key), 30)
    assert order(p, shopper) == "ORDER_STATUS_CONFIRMED"

    assert call(p, "PUT", "sys/seal").status_code == 204
    wait_for(lambda: "is sealed" in reason(p, key), 30)
    assert order(p, shopper) == "ORDER_STATUS_CONFIRMED"
    assert health(p) == 503, "an operator's seal stays"
    p.stop()

    refused = p.run("up", "--port", "0")
    assert refused.code != 0 and "--with vault" in refused.err, refused
    p.start()
    assert order(p, p.again(shopper)) == "ORDER_STATUS_CONFIRMED"
    p.verified()
    audit = (p.folder / "vault/server/audit.log").read_text()
    assert '"path":"auth/approle/login"' in audit
    for line in p.log_lines()["platform"]:
        assert "hvs." not in json.dumps(line)
    p.stop()
    assert p.run("reset", "--yes").code == 0
    assert not (p.folder / "vault").exists()


def test_secrets_of_the_sealed_file_are_moved(own_platform):
    p = own_platform().start()
    shopper = p.shopper()
    p.stop()
    p.settings += PRIVATE
    p.start()
    assert order(p, p.again(shopper)) == "ORDER_STATUS_CONFIRMED", "its e-mail address is read with the keys that were moved"
    assert "were moved from the sealed file" in (p.folder / "up.out").read_text()
    assert call(p, "GET", "secret/data/bitvelocity/identity.field-kek").json()["data"]["data"]["value"].startswith("vault:v1:")


def test_a_storage_that_is_gone_is_not_begun_anew(own_platform):
    p = own_platform(*PRIVATE).start()
    p.stop()
    (p.folder / "vault/server/raft").rename(p.folder / "vault/server/away")
    done = p.run("up", "--port", "0", *[word for s in p.settings for word in ("--set", s)], timeout=60)
    assert done.code != 0 and "is gone" in done.err, done
    (p.folder / "vault/server/away").rename(p.folder / "vault/server/raft")
    p.start()


def test_each_role_reads_what_is_its_own(own_platform):
    p = own_platform(*PRIVATE, "profile=full").start()
    assert order(p, p.shopper()) == "ORDER_STATUS_CONFIRMED"
    of_order, of_identity = log_in(p, "order"), log_in(p, "identity")
    for path in ("secret/data/bitvelocity/identity.field-kek", "secret/data/bitvelocity/provider.api_key", "secret/data/bitvelocity/database.payment.password",
                 "database/creds/bitvelocity-payment", "secret/metadata/bitvelocity/?list=true"):
        assert call(p, "GET", path, token=of_order).status_code == 403, path
    assert call(p, "POST", "pki/issue/bitvelocity", {"uri_sans": "spiffe://bitvelocity.internal/payment"}, of_order).status_code == 403
    assert call(p, "GET", "secret/data/bitvelocity/database.orders.password", token=of_order).status_code == 200
    assert call(p, "GET", "secret/data/bitvelocity/identity.field-kek", token=of_identity).status_code == 200
    p.verified()


def test_a_program_that_is_not_there_is_said_with_what_to_mend(own_platform):
    p = own_platform()
    done = p.run("up", "--port", "0", "--with", "vault", "--set", "vault.program=/nowhere/vault", timeout=60)
    assert done.code != 0 and "infra/vault/fetch" in done.err, done
