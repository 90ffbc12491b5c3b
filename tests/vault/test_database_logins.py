"""Database logins of a few seconds from Vault, under load: none of their changes costs a request."""

import sys

from conftest import ROOT, wait_for
from vaults import kind, postgres, vault_and_postgres  # noqa: F401 (fixtures)

sys.path.insert(0, str(ROOT / "tests/faults"))
from history import Shopping  # noqa: E402


def users(server):
    """Of Vault's making, that the database knows."""
    return set(server.psql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-approle-%'", "shop").stdout.split())


def sessions(server):
    return set(server.psql("SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = 'shop' AND application_name LIKE 'bitvelocity/%' AND application_name <> 'bitvelocity/admin'",
                           "shop").stdout.split())


def failures(shopping):
    """Answers that tell of a broken platform."""
    return {str(k): n for s in shopping.shoppers for k, n in s.tries.items() if k != 409}


def status(p, key):
    return next(m for m in p.client(api_key=key).get("/v1/platform/status")["modules"] if m["name"] == "vault")


def test_logins_change_under_load_without_a_lost_request(own_platform, vault_and_postgres, postgres):  # noqa: F811
    vault = vault_and_postgres
    p = own_platform(*vault.settings).start()
    first = users(postgres)
    assert len(first) >= 9, first
    shopping = Shopping(p)
    with shopping:
        assert all(u.startswith("v-approle-") for u in sessions(postgres))
        wait_for(lambda: not first & users(postgres), 40)  # each has been followed by another, and is gone
        shopping.until(20)
        second = users(postgres)
        wait_for(lambda: not second & users(postgres), 40)
        shopping.until(20)
    assert failures(shopping) == {}
    assert vault.server.seen("sys/leases/renew")
    assert not [line for line in p.log_lines()["platform"] if line["event"] in ("pg.listen_lost", "vault.away")]
    shopping.check()


def test_a_login_may_do_nothing_but_become_its_service(own_platform, vault_and_postgres, postgres):  # noqa: F811
    p = own_platform(*vault_and_postgres.settings).start()
    user = next(u for u in users(postgres) if u.startswith("v-approle-bitveloc"))
    attributes = postgres.psql(f"SELECT rolsuper, rolinherit, rolcreaterole, rolbypassrls, rolvaliduntil < now() + interval '30 s' FROM pg_roles WHERE rolname = '{user}'", "shop").stdout
    assert attributes.strip() == "f|f|f|f|t"
    member = postgres.psql(f"SELECT string_agg(pg_get_userbyid(roleid), ',') FROM pg_auth_members WHERE member = (SELECT oid FROM pg_roles WHERE rolname = '{user}')", "shop").stdout.strip()
    assert member.startswith("bv_") and "," not in member, member
    # What it does is the role's: row-level security and ownership name that.
    acting = postgres.psql("SELECT count(*) FROM pg_roles r JOIN pg_stat_activity a ON a.usename = r.rolname WHERE a.datname = 'shop' AND r.rolname ~ '^bv_'", "shop").stdout.strip()
    assert acting == "0"
    p.verified()


def test_a_lease_that_is_revoked_is_followed_at_once(own_platform, vault_and_postgres, postgres):  # noqa: F811
    """Its sessions end with it, so calls in hand are broken off and made again under the next login."""
    vault = vault_and_postgres
    p = own_platform(*vault.settings).start()
    shopping = Shopping(p)
    with shopping:
        for service in ("orders", "inventory"):
            vault.server.revoke_leases(service)
        shopping.until(20)
        vault.server.revoke_tokens()  # and with them all leases
        shopping.until(20)
    shopping.check()


def test_while_vault_is_away_leases_hold_until_they_end(own_platform, vault_and_postgres, postgres):  # noqa: F811
    vault = vault_and_postgres
    p = own_platform(*vault.settings).start()
    key = p.secret("dev.operator.api_key")
    shopping = Shopping(p)
    with shopping:
        vault.server.seal()
        said = wait_for(lambda: status(p, key).get("reason", ""), 20)
        assert "away since" in said and "database login" in said, said
        # Nobody ends what Vault cannot end while it is sealed, but the database itself takes such a login no more: ready no longer.
        wait_for(lambda: not status(p, key).get("ready", False), 30)
        assert "has ended of" in status(p, key)["reason"]
        vault.server.unseal()
        wait_for(lambda: status(p, key).get("ready", False), 30)
        shopping.until(20)
    shopping.check()


def test_a_restart_of_vault_in_the_middle_of_load(own_platform, vault_and_postgres, postgres):  # noqa: F811
    vault = vault_and_postgres.configure("--lease", "60s", "--longest-lease", "120s")  # longer than it is away
    p = own_platform(*vault.settings).start()
    shopping = Shopping(p)
    with shopping:
        for _ in range(2):
            vault.server.stop()
            shopping.until(3)
            vault.server.start()
            shopping.until(10)
        vault.server.freeze()
        shopping.until(3)
        vault.server.thaw()
        shopping.until(10)
    assert failures(shopping) == {}
    shopping.check()


def test_a_role_that_vault_does_not_have_stops_the_start(own_platform, vault_and_postgres, postgres):  # noqa: F811
    vault_and_postgres.server.drop_database_role("bitvelocity-orders")
    p = own_platform(*vault_and_postgres.settings)
    result = p.run("up", "--port", "0", *[word for s in p.settings for word in ("--set", s)], timeout=90)
    assert result.code != 0
    assert "database/creds/bitvelocity-orders" in result.err, result.err
