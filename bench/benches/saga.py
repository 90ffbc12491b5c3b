"""From placed to confirmed: how many orders a second, and how long one takes at 70 % of that.

Capacity: orders are posted as fast as they are taken for some seconds; then the confirmations of the busy time are counted. Latency: open loop
at 70 % of the capacity, from the time of the OrderPlaced event to that of its OrderConfirmed, of all orders placed after the warm-up; what
each hop of the way takes; and the latency of the POST from the time it was due.
"""

import time

from benches.order_accept import Shop
from lib import charts, figures
from lib.environment import CannotMeasure

TARGET_P99_MS = 200
SHARE = 0.7

CONFIRMED = """
    SELECT count(*), coalesce(extract(epoch FROM max(c.at) - min(p.at)), 0) FROM orders.events p
    JOIN orders.events c ON c.order_id = p.order_id AND c.type = 'OrderConfirmed'
    WHERE p.type = 'OrderPlaced' AND p.at >= '{since}'"""

LATENCY = """
    SELECT count(c.at), count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY c.at - p.at), percentile_cont(0.99) WITHIN GROUP (ORDER BY c.at - p.at), max(c.at - p.at)
    FROM (SELECT order_id, at FROM orders.events WHERE type = 'OrderPlaced' AND at >= '{since}'::timestamptz + interval '3 s') p
    LEFT JOIN orders.events c ON c.order_id = p.order_id AND c.type = 'OrderConfirmed'"""

# When each hop decided what it wrote, a moment before its commit: a hop's time is its own decision, the commit before it, and the waiting.
HOPS = """
    SELECT h.n, h.hop, percentile_cont(0.5) WITHIN GROUP (ORDER BY h.took) * 1000, percentile_cont(0.99) WITHIN GROUP (ORDER BY h.took) * 1000
    FROM (SELECT order_id, at FROM orders.events WHERE type = 'OrderPlaced' AND at >= '{since}'::timestamptz + interval '3 s') p
    JOIN orders.events stock ON stock.order_id = p.order_id AND stock.type = 'StockReserved'
    JOIN orders.events authorised ON authorised.order_id = p.order_id AND authorised.type = 'PaymentAuthorised'
    JOIN orders.events confirmed ON confirmed.order_id = p.order_id AND confirmed.type = 'OrderConfirmed'
    JOIN inventory.outbox held ON held.key = p.order_id::text AND held.type LIKE '%.StockReserved'
    JOIN payment.payments b ON b.order_id = p.order_id
    JOIN payment.operations a ON a.payment_id = b.id AND a.kind = 'authorise'
    JOIN payment.operations c ON c.payment_id = b.id AND c.kind = 'capture'
    CROSS JOIN LATERAL (VALUES
        (1, 'inventory holds the stock', held.time - p.at),
        (2, 'order asks for the payment', stock.at - held.time),
        (3, 'payment stores the authorisation', a.created_at - stock.at),
        (4, 'provider authorises, payment notes it', a.updated_at - a.created_at),
        (5, 'order asks for the capture', authorised.at - a.updated_at),
        (6, 'payment stores the capture', c.created_at - authorised.at),
        (7, 'provider captures, payment books it', c.updated_at - c.created_at),
        (8, 'order confirms', confirmed.at - c.updated_at)) AS w(n, hop, duration)
    CROSS JOIN LATERAL (SELECT w.n, w.hop, extract(epoch FROM w.duration) AS took) AS h
    GROUP BY 1, 2 ORDER BY 1"""


def settle(p, timeout=300, pause=1):
    """Waits until no saga is under way, and `pause` seconds for projections and mails of the last ones."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if p.sql("SELECT count(*) FROM orders.saga")[0][0] == "0":
            time.sleep(pause)
            return
        time.sleep(0.1)
    raise CannotMeasure("the sagas did not end")


def capacity(shop, seconds):
    p = shop.platform
    since = p.sql("SELECT now()")[0][0]
    cpu = [p.cpu(), p.database_cpu(), p.provider_cpu()]
    shop.post(seconds, 16, True, warm_up=0)
    settle(p)
    orders, took = p.sql(CONFIRMED.format(since=since))[0]
    used = [b - a for a, b in zip(cpu, [p.cpu(), p.database_cpu(), p.provider_cpu()], strict=True)]
    return float(orders) / float(took), [u / float(orders) * 1e3 for u in used]


def milliseconds(interval):
    h, m, s = interval.split(":")
    return (int(h) * 3600 + int(m) * 60 + float(s)) * 1000


def latency(shop, rate, seconds):
    p = shop.platform
    since = p.sql("SELECT now()")[0][0]
    posted = shop.post(seconds, 256, True, rate=rate, warm_up=3)
    settle(p)
    confirmed, placed, p50, p99, worst = p.sql(LATENCY.format(since=since))[0]
    if confirmed != placed:
        raise CannotMeasure(f"of {placed} orders {confirmed} were confirmed")
    hops = {hop: (float(median), float(slow)) for _, hop, median, slow in p.sql(HOPS.format(since=since))}
    return {"p50": milliseconds(p50), "p99": milliseconds(p99), "max": milliseconds(worst), "post_p50": posted["latency_us"]["p50"] / 1000,
            "post_p99": posted["latency_us"]["p99"] / 1000, "rate": posted["per_second"]}, hops


def measure(run):
    seconds = run.seconds(10)
    shop = Shop(run, "saga")
    shop.post(2, 8, True)
    settle(shop.platform)
    rates, costs, latencies, ways = [], [], [], []
    for _ in range(run.rounds(3)):
        rate, cost = capacity(shop, seconds)
        rates.append(rate)
        costs.append(cost)
        found, hops = latency(shop, SHARE * rate, 2 * seconds)
        latencies.append(found)
        ways.append(hops)
    shop.platform.stop()
    sums = {name: figures.summary(r[name] for r in latencies) for name in latencies[0]}
    cost = {name: figures.summary(c[i] for c in costs) for i, name in enumerate(("platform", "PostgreSQL", "provider"))}
    figures.table(["orders under an Idempotency-Key, three lines", "measured"], [
        ["confirmed orders/s, as many as it takes", figures.shown(figures.summary(rates), 0)],
        *[[f"CPU an order, {name}, ms", figures.shown(s)] for name, s in cost.items()],
        [f"at {SHARE:.0%} of it, orders/s", figures.shown(sums["rate"], 0)],
        *[[f"placed → confirmed, {name}, ms", figures.shown(sums[name], 0)] for name in ("p50", "p99", "max")],
        *[[f"POST, from when it was due, {name[5:]}, ms", figures.shown(sums[name], 1)] for name in ("post_p50", "post_p99")]])
    hops = {hop: {name: figures.summary(way[hop][i] for way in ways) for i, name in enumerate(("p50", "p99"))} for hop in ways[0]}
    figures.table([f"of it, at {SHARE:.0%}, ms", "p50", "p99"], [[hop, figures.shown(s["p50"], 0), figures.shown(s["p99"], 0)] for hop, s in hops.items()])
    met = sums["p99"]["median"] < TARGET_P99_MS
    print(f"   target: p99 below {TARGET_P99_MS} ms: {'met' if met else 'missed'}")
    return {"confirmed_per_second": figures.summary(rates), "cpu_ms_per_order": cost, "latency_ms": sums, "hop_ms": hops, "target": {"p99_below_ms": TARGET_P99_MS, "met": met}}


def picture(found):
    return charts.bars("Latency at 70 % of the capacity", "from the OrderPlaced to the OrderConfirmed event, and of the POST from when it was due; milliseconds",
                       [(name.replace("post_", "POST, ") if "post" in name else f"placed → confirmed, {name}", s) for name, s in found["latency_ms"].items() if name != "rate"], " ms")
