"""Orders accepted durably a second over HTTP, against pgbench running the statements of one order at a time.

Both run on the same private PostgreSQL (fsync and synchronous_commit on), in turns: pgbench on a twin of the database, which holds the
same tables, triggers and policies, under the role of the order service. An order has three lines, paid by card.

Accepting is one thing and the saga behind it another. For the target the saga is held back, by a lock on the positions of all consumers:
an accepted order then stays an event in the outbox. What both share a machine with in
production is measured by the bench "saga".
"""

import json
import pathlib
import random
import statistics
import subprocess
import time

from lib import charts, figures, platform
from lib.environment import CannotMeasure, ensure

TARGET_RATIO, TARGET_ADDED_MS = 3.0, 2.0
CONNECTIONS = (8, 32, 64, 128)
PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"
SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "sql"


def make_bodies(run, skus, count=2000):
    rng = random.Random(20260101)
    file = run.folder / "orders.txt"
    with open(file, "w") as f:
        for _ in range(count):
            lines = [{"sku": s, "quantity": str(rng.randint(1, 5))} for s in rng.sample(skus, 3)]
            f.write(json.dumps({"currency": "GBP", "paymentMethod": "card_ok", "lines": lines}) + "\n")
    return file


def make_twin(p):
    """The schema without the rows, where no event log reads."""
    p.sql("CREATE DATABASE twin TEMPLATE template0")
    dump = subprocess.run(["/usr/lib/postgresql/15/bin/pg_dump", "--schema-only", "-d", p.conninfo()], capture_output=True, text=True, check=True).stdout
    p.sql(dump, "twin")


def pgbench(p, script, seconds, clients, sizes, log=None):
    """Transactions a second; with a log the median latency in milliseconds."""
    command = [PGBENCH, "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(max(1, round(seconds))), "-f", str(SCRIPTS / script),
               "-D", f"event_bytes={sizes[0]}", "-D", f"message_bytes={sizes[1]}"]
    if log:
        command += ["-l", f"--log-prefix={log}"]
    # Row-level security binds the role; the keyed script needs two schemas, so it runs as the superuser, whom nothing binds.
    options = "-c role=bv_orders" if script == "one_order.sql" else ""
    r = subprocess.run([*command, p.conninfo("twin")], capture_output=True, text=True, env={"PGOPTIONS": options, "PATH": "/usr/bin:/bin"})
    if r.returncode != 0 or "aborted" in r.stderr:
        raise CannotMeasure(f"pgbench: {r.stderr[-500:]}")
    if not log:
        return float(next(line.split("=")[1].split()[0] for line in r.stdout.splitlines() if line.startswith("tps")))
    logs = list(log.parent.glob(log.name + "*"))
    times = [int(line.split()[2]) for f in logs for line in f.read_text().splitlines()]
    for f in logs:
        f.unlink()
    return statistics.median(times) / 1000


class Held:
    """While it lives, no consumer moves: its position's table is locked."""

    def __init__(self, p):
        tables = [f"{row[0]}.consumer_position" for row in p.sql("SELECT table_schema FROM information_schema.tables WHERE table_name = 'consumer_position'")]
        self.session = p.run.start(["/usr/lib/postgresql/15/bin/psql", "-Xq", "-d", p.conninfo(), "-c",
                                    f"BEGIN; LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE; SELECT pg_sleep(86400)"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.run = p.run
        while not p.sql("SELECT 1 FROM pg_locks WHERE mode = 'ExclusiveLock' AND relation = 'orders.consumer_position'::regclass AND granted"):
            time.sleep(0.05)

    def release(self):
        self.run.stop(self.session)


class Shop:
    """A platform with a catalogue, a shopper and bodies to post."""

    def __init__(self, run, name, *settings, articles=500):
        self.run = run
        self.platform = platform.Platform(run, name, "orders.most_open=1000000000", "orders.stock_timeout=1h", "orders.payment_timeout=1h", *settings).start()
        self.skus = self.platform.fill_catalogue(articles)
        self.bodies = make_bodies(run, self.skus)
        self.token = self.platform.shopper_token()

    def post(self, seconds, callers, keyed, rate=None, warm_up=0.5):
        call = {"verb": "POST", "target": "/v1/orders", "bodies": self.bodies.name, "headers": {"Authorization": f"Bearer {self.token}"}, "key": keyed}
        open_loop = {"rate": rate} if rate else {}
        found = platform.load(self.run, self.platform, call, callers=callers, duration=f"{seconds}s", warm_up=f"{warm_up}s", **open_loop)
        platform.must_all_be_answered(found)
        return found

    def sizes(self):
        """Bytes of an OrderPlaced in the stream and of its message, as the service writes them."""
        return (self.platform.sql("SELECT round(avg(octet_length(payload)))::int FROM orders.events WHERE type = 'OrderPlaced'")[0][0],
                self.platform.sql("SELECT round(avg(octet_length(payload)))::int FROM orders.outbox WHERE type LIKE '%.OrderPlaced'")[0][0])


def accepted(shop, seconds, connections, keyed):
    """Orders a second, and CPU seconds an order of PostgreSQL and of the platform."""
    p = shop.platform
    database, own = p.database_cpu(), p.cpu()
    found = shop.post(seconds, connections, keyed)
    # The warm-up's orders are in the CPU time and not in the count: scaled by time.
    orders = found["answered"] * (found["seconds"] + 0.5) / found["seconds"]
    return found["per_second"], (p.database_cpu() - database) / orders * 1e6, (p.cpu() - own) / orders * 1e6


def measure(run):
    ensure("postgresql-15")
    seconds = run.seconds(4)
    shop = Shop(run, "accepting")
    p = shop.platform
    held = Held(p)
    shop.post(2, 8, True)
    sizes = shop.sizes()
    make_twin(p)
    rate, database_us, platform_us, lone = {}, {}, {}, {}

    def note(name, found):
        for where, value in zip((rate, database_us, platform_us), found, strict=True):
            where.setdefault(name, []).append(value)

    for _ in range(run.rounds(5)):
        for script, keyed in (("one_order.sql", False), ("one_keyed_order.sql", True)):
            with_key = ", with key" if keyed else ""
            before = p.database_cpu()
            tps = pgbench(p, script, seconds, 8, sizes)
            note(f"pgbench, 8{with_key}", (tps, (p.database_cpu() - before) / (tps * max(1, round(seconds))) * 1e6, 0.0))
            for connections in CONNECTIONS:
                note(f"platform, {connections}{with_key}", accepted(shop, seconds, connections, keyed))
            lone.setdefault(f"pgbench{with_key}", []).append(pgbench(p, script, seconds / 2, 1, sizes, log=run.folder / "lone"))
            lone.setdefault(f"platform{with_key}", []).append(shop.post(seconds / 2, 1, keyed)["latency_us"]["p50"] / 1000)
    held.release()
    p.stop()

    ratios = {name: figures.ratio(values, rate["pgbench, 8" + (", with key" if "key" in name else "")]) for name, values in rate.items()}
    figures.table(["orders accepted, saga held back", "orders/s", "to pgbench = 1", "PostgreSQL, µs", "platform, µs"],
                  [[name, figures.shown(figures.summary(v), 0), figures.shown(ratios[name]), figures.shown(figures.summary(database_us[name]), 0),
                    figures.shown(figures.summary(platform_us[name]), 0)] for name, v in rate.items()])
    added = {with_key: figures.summary(a - b for a, b in zip(lone["platform" + with_key], lone["pgbench" + with_key], strict=True)) for with_key in ("", ", with key")}
    figures.table(["a lone order", "median, ms"], [*[[name, figures.shown(figures.summary(v))] for name, v in lone.items()],
                                                   *[[f"added{k}", figures.shown(v)] for k, v in added.items()]])
    best = max(ratios[f"platform, {c}"]["median"] for c in CONNECTIONS)
    print(f"   targets: {TARGET_RATIO} × pgbench: {'met' if best >= TARGET_RATIO else 'missed'}; at most {TARGET_ADDED_MS} ms added to a lone order: "
          f"{'met' if added['']['median'] <= TARGET_ADDED_MS else 'missed'}")
    return {"orders_per_second": {k: figures.summary(v) for k, v in rate.items()}, "ratio_to_pgbench": ratios,
            "database_cpu_us": {k: figures.summary(v) for k, v in database_us.items()}, "platform_cpu_us": {k: figures.summary(v) for k, v in platform_us.items()},
            "lone_ms": {k: figures.summary(v) for k, v in lone.items()}, "lone_added_ms": added, "payload_bytes": sizes,
            "target": {"ratio_at_least": TARGET_RATIO, "met": best >= TARGET_RATIO, "added_ms_at_most": TARGET_ADDED_MS, "added_met": added[""]["median"] <= TARGET_ADDED_MS}}


def picture(found):
    return charts.bars("Orders accepted durably a second", "pgbench running the same statements one order at a time on 8 connections is 1 (with a key: its own)", list(found["ratio_to_pgbench"].items()), " ×", reference=1.0)
