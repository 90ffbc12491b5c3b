"""The keys of personal data: rotated while people work, given up only when nothing needs them."""

import contextlib
import json
import os
import signal
import subprocess
import time

import pytest

from conftest import BINARY, Problem, final, place

# Every column that could hold an encrypted value.
BINARY_COLUMNS = ("SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns WHERE data_type = 'bytea' "
                  "AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2")


def keys(p):
    done = p.run("keys", "fields", "--json")
    assert done.code == 0, done
    return {int(k["id"]): (int(k.get("values", 0)), int(k.get("history", 0)), k.get("current", False)) for k in json.loads(done.out)["keys"]}


@pytest.fixture
def short(own_platform):
    """Requests end within a second, so that a key is old enough to go soon after its successor."""
    return own_platform("http.request_timeout=1s").start()


def test_a_rotation_while_people_work_then_the_old_key_goes(short):
    p = short
    before = p.shopper()
    sold = p.client().get("/v1/products")["products"][0]["sku"]
    done = p.run("keys", "rotate-fields", "--batch-size", "1")
    assert done.code == 0, done
    assert "key 2 encrypts from now on" in done.out and "encrypted again: " in done.out
    after = p.shopper()
    assert before.get("/v1/accounts/me")["email"] == before.email
    assert p.again(before).get("/v1/accounts/me")["displayName"] == "A shopper"
    assert final(after, place(after, [(sold, 1)])["id"])["status"] == "ORDER_STATUS_CONFIRMED"
    state = keys(p)
    assert state[1][0] == 0 and state[1][1] > 0 and not state[1][2]
    assert state[2][0] >= 4 and state[2][2]
    # Nothing in any binary column of any service is under the old key, listed or not.
    for table, column in p.sql(BINARY_COLUMNS):
        assert p.sql(f"SELECT count(*) FROM {table} WHERE substr(\"{column}\", 1, 5) = '\\x0100000001' AND length(\"{column}\") >= 33") == [["0"]], (table, column)
    p.verified()  # the trail too: it was added to, and not changed

    refused = p.run("keys", "retire-field", "1")
    assert refused.code == 1 and "The audit trail has" in refused.err and "forget_history" in refused.err
    assert p.run("keys", "retire-field", "2").code == 1, "the one that encrypts"
    assert p.run("keys", "retire-field", "1", "--forget-history").code == 3, "it asks, and there is nobody to answer"
    end = time.monotonic() + 60
    while (gone := p.run("keys", "retire-field", "1", "--forget-history", "--yes")).code != 0:
        assert "try again in" in gone.err and time.monotonic() < end, gone
        time.sleep(1)
    assert list(keys(p)) == [2]
    p.verified()
    p.stop()
    p.start()
    assert p.again(before).get("/v1/accounts/me")["email"] == before.email


@contextlib.contextmanager
def account_in_the_middle_locked(p):
    """Somebody else's transaction holds one account's row: what comes to it waits."""
    postmaster = (p.folder / "postgres/pgdata/postmaster.pid").read_text().split("\n")
    environment = {**os.environ, "PGPASSWORD": (p.folder / "postgres/admin.password").read_text().strip()}
    session = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", postmaster[4], "-p", postmaster[3], "-U", "bv_admin", "-d", "bitvelocity"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    middle = "(SELECT id FROM identity.accounts ORDER BY id OFFSET (SELECT count(*) / 2 FROM identity.accounts) LIMIT 1)"
    session.stdin.write(f"BEGIN; SELECT id FROM identity.accounts WHERE id = {middle} FOR UPDATE;\n")
    session.stdin.flush()
    assert session.stdout.readline().strip()
    try:
        yield
    finally:
        session.communicate("ROLLBACK;\n", timeout=30)


def test_broken_off_it_goes_on_where_it_was(short):
    p = short
    for _ in range(6):
        p.shopper()
    command = [BINARY, "keys", "rotate-fields", "--batch-size", "1", "--data-dir", str(p.folder)]
    with account_in_the_middle_locked(p):
        running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        for line in running.stdout:
            if line.startswith("encrypted again: "):
                running.send_signal(signal.SIGTERM)  # SIGINT is ignored in what a script starts in the background
                break
        running.communicate(timeout=30)
    assert running.returncode != 0
    # The batch that waited for the row may still come through.
    seen = [keys(p)[1][0]]
    while len(seen) < 4 or len(set(seen[-3:])) > 1:
        time.sleep(0.5)
        seen.append(keys(p)[1][0])
    left = seen[-1]
    assert left > 0, "it was broken off in the middle"
    assert p.run("keys", "retire-field", "1", "--forget-history", "--yes").code == 1
    again = p.run("keys", "encrypt-again")
    assert again.code == 0 and f"{left} of {left} values" in again.out, again
    state = keys(p)
    assert sorted(state) == [1, 2] and state[1][0] == 0, "no third key was made"


def test_only_operators_may(platform):
    shopper = platform.shopper()
    for path in (":rotate", ":encryptAgain", ":retire"):
        with pytest.raises(Problem) as refused:
            shopper.post("/v1/platform/fieldKeys" + path, {"id": 1} if path == ":retire" else {})
        assert refused.value.status == 403
