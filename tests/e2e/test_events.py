"""Events that cannot be applied, that come twice, and read models that are made again."""

import contextlib
import json
import os
import subprocess
import uuid

from conftest import final, place, wait_for

POISON = "bitvelocity.commerce.order.v1.RefundRequested"


def poison(p, key):
    """An event that no consumer can read, as if a producer had a bug."""
    event = str(uuid.uuid4())
    p.sql(f"INSERT INTO orders.outbox (id, type, key, payload) VALUES ('{event}', '{POISON}', '{key}', '\\xffffff'); NOTIFY bv_test")
    return event


def letters(p, *more):
    done = p.run("dlq", "list", "--json", *more)
    assert done.code == 0, done.err
    return json.loads(done.out).get("deadLetters", [])


def refunded(client, order_id):
    return sum(int(p.get("refunded", {}).get("minorUnits", 0)) for p in client.get("/v1/payments", orderId=order_id).get("payments", []))


def test_a_poison_event_blocks_its_own_key_only(own_platform):
    p = own_platform().start()
    shopper, sku = p.shopper(), p.client().get("/v1/products", pageSize=1)["products"][0]["sku"]
    held, free = (final(shopper, place(shopper, [(sku, 1)])["id"]) for _ in range(2))
    assert p.run("dlq", "list").out.startswith("No dead letters")

    event = poison(p, held["id"])
    [dead] = wait_for(lambda: letters(p))
    assert (dead["group"], dead["eventId"], dead["key"], dead["state"]) == ("payment", event, held["id"], "failed")
    assert dead["attempts"] > 1 and dead["error"]
    shown = p.run("dlq", "show", "payment", event)
    assert shown.code == 0 and POISON in shown.out

    # A refund of the same order waits behind it; one of another order does not.
    for order in (held, free):
        shopper.post(f"/v1/orders/{order['id']}:cancel", {}, key=str(uuid.uuid4()))
    wait_for(lambda: refunded(shopper, free["id"]) == int(free["total"]["minorUnits"]))
    behind = wait_for(lambda: [d for d in letters(p) if d["state"] == "blocked"])
    assert {d["key"] for d in behind} == {held["id"]}
    assert refunded(shopper, held["id"]) == 0

    # It fails again when it is replayed; given up, what waited behind it is applied.
    again = p.run("dlq", "replay", "payment")
    assert again.code == 1 and "failed 1" in again.out, again
    refused = p.run("dlq", "discard", "payment", "--id", event)
    assert refused.code == 3 and letters(p)
    assert p.run("dlq", "discard", "payment", "--id", event, "--yes").code == 0
    rest = p.run("dlq", "replay", "payment")
    assert rest.code == 0, rest
    assert letters(p) == [] and {d["state"] for d in letters(p, "--all")} == {"discarded", "replayed"}
    wait_for(lambda: refunded(shopper, held["id"]) == int(held["total"]["minorUnits"]))


def test_unknown_dead_letters_are_said_to_be_unknown(platform):
    assert platform.run("dlq", "show", "payment", str(uuid.uuid4())).code == 1
    assert "replayed 0" in platform.run("dlq", "replay", "payment").out


def test_events_delivered_twice_have_one_effect(own_platform):
    """Every position goes back to the start while nobody runs: each group gets all it ever had again."""
    p = own_platform().start()
    shopper, sku = p.shopper(), p.client().get("/v1/products", pageSize=1)["products"][0]["sku"]
    methods = ("card_ok", "card_ok", "card_declined", "card_capture_fails", "card_ok")
    orders = [final(shopper, place(shopper, [(sku, 2)], method)["id"]) for method in methods]
    shopper.post(f"/v1/orders/{orders[0]['id']}:cancel", {}, key=str(uuid.uuid4()))
    wait_for(lambda: refunded(shopper, orders[0]["id"]) > 0)
    p.verified()
    before = state_of(p)
    p.kill()  # the database goes on until the next start
    schemas = [row[0] for row in p.sql("SELECT table_schema FROM information_schema.tables WHERE table_name = 'consumer_position'")]
    assert {"inventory", "payment", "orders", "notification"} <= set(schemas)
    moved = 0
    for schema in schemas:
        moved += len(p.sql(f"UPDATE {schema}.consumer_position SET position = 0 WHERE position > 0 RETURNING 1"))
    assert moved >= 6
    p.start()
    wait_for(lambda: caught_up(p), 60)
    p.verified()
    assert state_of(p) == before
    assert letters(p) == []


def caught_up(p):
    groups = json.loads(p.run("status", "--json").out)["status"]["groups"]
    return all(int(g.get("lag", 0)) == 0 and int(g.get("position", 0)) > 0 for g in groups if g["source"] in ("orders", "inventory", "payment"))


def state_of(p):
    """What shoppers and book-keepers see."""
    operator = p.operator()
    return {
        "stock": operator.get("/v1/stock", pageSize=200).get("stock") or operator.get("/v1/stock", pageSize=200),
        "balances": operator.get("/v1/ledger/balances"),
        "orders": sorted((o["id"], o["status"], o["version"]) for o in operator.get("/v1/orders", pageSize=200)["orders"]),
        "sales": operator.get("/v1/dailySales"),
        "notifications": len(p.sql("SELECT 1 FROM notification.notifications")),
    }


def test_read_models_made_again_are_the_same(own_platform):
    p = own_platform().start()
    shopper, sku = p.shopper(), p.client().get("/v1/products", pageSize=1)["products"][0]["sku"]
    for method in ("card_ok", "card_declined", "card_ok"):
        final(shopper, place(shopper, [(sku, 1)], method)["id"])
    wait_for(lambda: caught_up(p))
    before = state_of(p)
    done = p.run("projections", "rebuild")
    assert done.code == 0 and "3 orders" in done.out, done
    assert state_of(p) == before
    p.verified()


def test_reads_go_on_while_read_models_are_made_again(platform, shop):
    shopper, sku = platform.shopper(), shop(10)
    order = final(shopper, place(shopper, [(sku, 1)])["id"])
    assert platform.run("projections", "rebuild").code == 0
    assert [o["id"] for o in wait_for(lambda: shopper.get("/v1/orders").get("orders"))] == [order["id"]]


@contextlib.contextmanager
def session(p, database="postgres"):
    """Somebody's psql at the platform's server."""
    postmaster = (p.folder / "postgres/pgdata/postmaster.pid").read_text().split("\n")
    environment = {**os.environ, "PGPASSWORD": (p.folder / "postgres/admin.password").read_text().strip(), "PGAPPNAME": "left-open"}
    psql = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", postmaster[4], "-p", postmaster[3], "-U", "bv_admin", "-d", database],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield psql
    finally:
        psql.communicate("ROLLBACK;\n", timeout=30)


def test_a_transaction_left_open_in_another_database_holds_no_order_back(platform, shop):
    shopper, sku = platform.shopper(), shop(5)
    with session(platform) as psql:
        psql.stdin.write("BEGIN; CREATE TEMPORARY TABLE kept AS SELECT 1; SELECT pg_backend_pid();\n")
        psql.stdin.flush()
        psql.stdout.readline()
        assert final(shopper, place(shopper, [(sku, 1)])["id"])["status"] == "ORDER_STATUS_CONFIRMED"


def test_a_transaction_left_open_behind_which_events_wait_is_named(own_platform):
    p = own_platform().start()
    operator = p.operator()
    with session(p, "bitvelocity") as psql:
        # The position of an event that it has not appended yet.
        psql.stdin.write("BEGIN; CREATE TEMPORARY TABLE kept AS SELECT nextval('product.outbox_position'); SELECT pg_backend_pid();\n")
        psql.stdin.flush()
        pid = int(psql.stdout.readline())
        sku = operator.get("/v1/products", pageSize=1)["products"][0]["sku"]
        operator.call("PATCH", f"/v1/products/{sku}", {"description": "Changed while a transaction is open"})

        def named():
            told = operator.get("/v1/platform/status").get("heldDelivery", {})
            return told if told.get("transactions") else None  # who it is, is looked up after that it is

        held = wait_for(named, timeout=30)
        assert held["sources"] == ["product"] and float(held["held"].rstrip("s")) >= 5
        by = held["transactions"][0]
        assert (by["pid"], by["role"], by["application"], by["database"], by["state"]) == (pid, "bv_admin", "left-open", "bitvelocity", "idle in transaction")
        assert json.loads(p.run("status", "--json").out)["status"]["heldDelivery"]["transactions"][0]["pid"] == pid
        shown = p.run("status").out
        assert "events of product have been waiting" in shown and f"pg_terminate_backend({pid})" in shown and "left-open" in shown
        logged = [line for log in p.log_lines().values() for line in log]
        assert [(e["pid"], e["application"]) for e in logged if e["event"] == "events.delivery_held"] == [(pid, "left-open")]
        assert any(line.startswith('bv_events_horizon_stalled_seconds{source="product"} ') and float(line.split()[-1]) >= 5
                   for line in p.metrics_text().splitlines())
    wait_for(lambda: not operator.get("/v1/platform/status").get("heldDelivery"), timeout=30)
    assert "have been waiting" not in p.run("status").out


def test_a_group_applies_events_again_when_that_changes_nothing(own_platform):
    p = own_platform().start()
    shopper, sku = p.shopper(), p.client().get("/v1/products", pageSize=1)["products"][0]["sku"]
    order = final(shopper, place(shopper, [(sku, 1)])["id"])
    asked = p.run("events", "rewind", "orders-projections", "--to", "beginning")
    assert asked.code == 3 and "events again" in asked.out, asked  # there is nobody to say yes
    done = p.run("events", "rewind", "orders-projections", "--to", "beginning", "--yes")
    assert done.code == 0 and "Done." in done.out, done
    assert order["id"] in [o["id"] for o in shopper.get("/v1/orders")["orders"]]
    p.verified()

    for group in ("inventory", "payment", "orders-saga", "notification"):
        refused = p.run("events", "rewind", group, "--to", "beginning", "--yes")
        assert refused.code == 1, refused
        assert "would do it twice" in refused.err and "orders-projections" in refused.err
    assert p.run("events", "rewind", "orders-projections", "--to", "yesterday").code == 2
    assert p.run("events", "rewind", "nobody", "--to", "1").code == 1
    groups = json.loads(p.run("events", "list", "--json").out)
    assert {"orders-projections", "inventory"} <= {g["group"] for g in groups}
