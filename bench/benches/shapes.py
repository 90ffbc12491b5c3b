"""Both shapes of the platform under the same load: one process, and a process for each service.

Each round starts one after the other, posts orders as fast as they are taken, and counts those that were confirmed. CPU an order is that of all
processes of the shape together, PostgreSQL and the provider beside. At rest, transactions a second are what the shape asks of its database
while nobody does anything.
"""

import time

from benches.order_accept import Shop
from benches.saga import CONFIRMED, settle
from lib import charts, figures

TARGET = 0.35
SHAPES = {"one process": (), "a process for each service": ("profile=full",)}
TRANSACTIONS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'bitvelocity'"


def own_cpu(p):
    """Of every process of the platform, without its database and provider."""
    return figures.tree_cpu(p.process.pid) - p.database_cpu() - p.provider_cpu()


def capacity(shop, seconds):
    """Confirmed orders a second, and CPU milliseconds an order of platform, PostgreSQL and provider."""
    p = shop.platform
    since = p.sql("SELECT now()")[0][0]
    cpu = [own_cpu(p), p.database_cpu(), p.provider_cpu()]
    shop.post(seconds, 16, True, warm_up=0)
    settle(p)
    orders, took = p.sql(CONFIRMED.format(since=since))[0]
    used = [b - a for a, b in zip(cpu, [own_cpu(p), p.database_cpu(), p.provider_cpu()], strict=True)]
    return float(orders) / float(took), [u / float(orders) * 1e3 for u in used]


def at_rest(p, seconds):
    """Transactions a second."""
    begun, before = time.monotonic(), int(p.sql(TRANSACTIONS)[0][0])
    time.sleep(seconds)
    return (int(p.sql(TRANSACTIONS)[0][0]) - before) / (time.monotonic() - begun)


def measure(run):
    seconds = run.seconds(10)
    rates, costs, idle = ({n: [] for n in SHAPES} for _ in range(3))
    for turn in range(run.rounds(3)):
        for name, settings in SHAPES.items():  # one at a time: processes that only wait for events take part of the machine too
            shop = Shop(run, f"{name.replace(' ', '-')}-{turn}", *settings)
            shop.post(2, 8, True)
            settle(shop.platform)
            idle[name].append(at_rest(shop.platform, seconds / 2))
            rate, cost = capacity(shop, seconds)
            rates[name].append(rate)
            costs[name].append(cost)
            shop.platform.stop()
    one, many = SHAPES
    ratio = figures.ratio(rates[many], rates[one])
    cost = {n: {part: figures.summary(c[i] for c in costs[n]) for i, part in enumerate(("platform", "PostgreSQL", "provider"))} for n in SHAPES}
    figures.table(["orders under an Idempotency-Key, three lines", *SHAPES], [
        ["confirmed orders/s, as many as it takes", *[figures.shown(figures.summary(rates[n]), 0) for n in SHAPES]],
        *[[f"CPU an order, {part}, ms", *[figures.shown(cost[n][part]) for n in SHAPES]] for part in ("platform", "PostgreSQL", "provider")],
        ["at rest, transactions/s", *[figures.shown(figures.summary(idle[n]), 0) for n in SHAPES]]])
    met = ratio["median"] >= TARGET
    print(f"   a process for each service to one process = 1: {figures.shown(ratio)}; target: at least {TARGET}: {'met' if met else 'missed'}")
    return {"confirmed_per_second": {n: figures.summary(rates[n]) for n in SHAPES}, "ratio": ratio, "cpu_ms_per_order": cost,
            "transactions_per_second_at_rest": {n: figures.summary(idle[n]) for n in SHAPES}, "target": {"ratio": TARGET, "met": met}}


def picture(found):
    return charts.bars("Orders from placed to confirmed", "a second, as many as each shape takes, on the same machine", list(found["confirmed_per_second"].items()), "/s")
