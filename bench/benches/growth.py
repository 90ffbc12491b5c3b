"""How cost grows: with the lines of an order, with open connections, and with the orders that are there.

CPU time, so that a busy machine tells much the same. Orders are carried through to confirmed, and what that costs is in it.
"""

import json
import os

from benches.order_accept import Shop
from benches.saga import settle
from lib import charts, figures, platform

LINES = (1, 3, 10, 30, 100, 300, 1000)
CONNECTIONS = (1, 8, 64, 512, 2000)
ORDERS = tuple(n for n in (10_000, 100_000, 1_000_000) if n <= int(os.environ.get("BENCH_MOST_ORDERS", 100_000)))

LINES_TITLE = "an order from placed to confirmed, ms, by its lines"
CONNECTIONS_TITLE = "a cached read, µs, by open connections"
ORDERS_TITLE = "CPU of an order, ms, by orders that are there"

# Copies of one confirmed order under other ids and customers: streams, read models, and what a list looks through.
COPY = """
    SET session_replication_role = replica;
    CREATE TEMP TABLE copies AS SELECT gen_random_uuid() AS order_id, gen_random_uuid() AS customer_id FROM generate_series(1, {count});
    INSERT INTO orders.events SELECT (jsonb_populate_record(e, jsonb_build_object('order_id', c.order_id, 'customer_id', c.customer_id))).*
        FROM copies c, orders.events e WHERE e.order_id = '{order}';
    INSERT INTO orders.order_summary SELECT (jsonb_populate_record(s, jsonb_build_object('order_id', c.order_id, 'customer_id', c.customer_id))).*
        FROM copies c, orders.order_summary s WHERE s.order_id = '{order}';
    DROP TABLE copies;
    ANALYZE orders.events; ANALYZE orders.order_summary;"""


def of_work(p, work, count):
    """Milliseconds of CPU for each of `count`: (platform, PostgreSQL)."""
    before = p.cpu(), p.database_cpu()
    work()
    return [(after - b) / count * 1e3 for after, b in zip((p.cpu(), p.database_cpu()), before, strict=True)]


def orders_of(shop, lines, count):
    """Places so many, and waits until they are confirmed."""
    file = shop.run.folder / "growth.txt"
    body = {"currency": "GBP", "paymentMethod": "card_ok", "lines": [{"sku": s, "quantity": "1"} for s in shop.skus[:lines]]}
    file.write_text(json.dumps(body) + "\n")
    call = {"verb": "POST", "target": "/v1/orders", "bodies": file.name, "headers": {"Authorization": f"Bearer {shop.token}"}, "key": True}
    found = platform.load(shop.run, shop.platform, call, arrivals=count, callers=4, duration="120s", warm_up="0s")
    platform.must_all_be_answered(found)
    settle(shop.platform, pause=0.3)
    return found["latency_us"]["p50"] / 1e3


def by_lines(shop, rounds):
    out = {}
    orders_of(shop, 3, 50)
    for _ in range(rounds):
        for lines in LINES:
            count = max(12, min(200, 1500 // lines))
            latency = []
            cpu = of_work(shop.platform, lambda: latency.append(orders_of(shop, lines, count)), count)  # noqa: B023
            for name, value in zip(("platform, CPU", "PostgreSQL, CPU", "accepted after"), (*cpu, *latency), strict=True):
                out.setdefault(name, {}).setdefault(lines, []).append(value)
    return out


def by_connections(shop, rounds, seconds):
    out = {}
    call = {"target": f"/v1/products/{shop.skus[0]}"}
    for _ in range(rounds):
        for connections in CONNECTIONS:
            before = shop.platform.cpu()
            found = platform.load(shop.run, shop.platform, call, callers=connections, duration=f"{seconds}s", warm_up="0s")
            platform.must_all_be_answered(found)
            out.setdefault("platform, CPU", {}).setdefault(connections, []).append((shop.platform.cpu() - before) / found["answered"] * 1e6)
    return out


def by_orders(shop, rounds, seconds):
    out, p, there = {}, shop.platform, 0
    order = p.sql("SELECT order_id FROM orders.events WHERE type = 'OrderConfirmed' LIMIT 1")[0][0]
    auth = {"Authorization": f"Bearer {shop.token}"}
    for target in ORDERS:
        p.sql(COPY.format(count=target - there, order=order))
        there = target
        for _ in range(rounds):
            cpu = of_work(p, lambda: orders_of(shop, 3, 100), 100)
            for name, value in (("confirmed, PostgreSQL", cpu[1]), ("confirmed, platform", cpu[0])):
                out.setdefault(name, {}).setdefault(target, []).append(value)
            for name, path in (("one read, PostgreSQL", f"/v1/orders/{order}"), ("list of 20, PostgreSQL", "/v1/orders?page_size=20")):
                before = p.database_cpu()
                found = platform.load(shop.run, p, {"target": path, "headers": auth}, callers=2, duration=f"{seconds}s", warm_up="0s")
                platform.must_all_be_answered(found)
                out.setdefault(name, {}).setdefault(target, []).append((p.database_cpu() - before) / found["answered"] * 1e3)
    return out


def measure(run):
    shop = Shop(run, "growth", articles=1000)
    rounds, seconds = run.rounds(3), run.seconds(2)
    found = {LINES_TITLE: by_lines(shop, rounds), CONNECTIONS_TITLE: by_connections(shop, rounds, seconds), ORDERS_TITLE: by_orders(shop, rounds, seconds)}
    shop.platform.stop()
    sums = {by: {name: {str(x): figures.summary(v) for x, v in curve.items()} for name, curve in curves.items()} for by, curves in found.items()}
    for by, curves in sums.items():
        xs = list(next(iter(curves.values())))
        figures.table([by, *xs], [[name, *(f"{s['median']:.3g}" for s in curve.values())] for name, curve in curves.items()])
    lines = sums[LINES_TITLE]["platform, CPU"]
    per_line = (lines["1000"]["median"] - lines["1"]["median"]) / 999 * 1e3
    print(f"   a line more costs the platform {per_line:.1f} µs")
    return {"curves": sums, "us_per_line": per_line}


def picture(found):
    panels = []
    for by, curves in found["curves"].items():
        series = [(name, [(float(x), s) for x, s in curve.items()]) for name, curve in curves.items()]
        panels.append(charts.Panel(by, series, log_y=True, height=150))
    return charts.curves("How cost grows", "medians of the rounds, with their spread; both axes are logarithmic", panels, log_x=True, own_x=True)
