"""The replay through a process for each service, Kafka and Redis: whole, and while a service, the broker or Redis dies in the middle.

One platform for all: the replay finds again by their references the invoices that an earlier one placed, so each test asks for more of
the file than the last, and the checks hold all of them.
"""

import csv
import datetime
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys

import pytest

from conftest import BINARY, RETAIL, ROOT, platforms, scratch_folder, wait_for

sys.path.insert(0, str(ROOT / "tests/kafka"))
from brokers import behind, jars, trouble  # noqa: E402, F401 (a fixture among them)

STEP = 120          # invoices that each test adds
PLACED = "SELECT count(*) FROM orders.events WHERE version = 1"


def write_invoices(file, count):
    """As the real file is, at random but the same each time: sales in the order of their dates, some given back in part or whole."""
    rng, when, sold = random.Random(2010), datetime.datetime(2010, 12, 1, 8), []
    articles = {f"{20000 + n}{rng.choice(['', '', 'A', 'B'])}": (f"ARTICLE NUMBER {n}", f"{rng.randint(20, 2000) / 100:.2f}") for n in range(90)}
    with open(file, "w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"])
        for number in range(count):
            when += datetime.timedelta(minutes=rng.randint(1, 40))
            date = when.strftime("%Y-%m-%dT%H:%M:%SZ")
            if sold and rng.random() < 0.15:
                customer, sku, quantity = rng.choice(sold)
                rows.writerow([f"C{540000 + number}", sku, articles[sku][0], -rng.randint(1, quantity), date, articles[sku][1], customer, "United Kingdom"])
            customer = 12000 + rng.randint(0, 60)
            for sku in rng.sample(sorted(articles), rng.randint(1, 12)):
                quantity = rng.randint(1, 24)
                sold.append((customer, sku, quantity))
                rows.writerow([540000 + number, sku, articles[sku][0], quantity, date, articles[sku][1], customer, "United Kingdom"])


class Replays:
    """Of one file, each further than the last."""

    def __init__(self, platform, file):
        self.platform, self.file, self.limits = platform, file, itertools.count(STEP, STEP)

    def begin(self):
        """Returns once it is half way through what it adds."""
        before = self.placed()
        limit = next(self.limits)  # of sales and returns
        with open(self.platform.folder / "replay.out", "w", encoding="utf-8") as out:
            self.process = subprocess.Popen([BINARY, "replay", str(self.file), "--limit", str(limit), "--data-dir", str(self.platform.folder)], stdout=out, stderr=out)
        wait_for(lambda: self.placed() >= before + STEP // 3 or self.process.poll() is not None, 240)
        assert self.process.poll() is None, self.said()

    def end(self):
        """Every invoice is one order, final, and every invariant holds: the replay asks verify, too."""
        assert self.process.wait(400) == 0, self.said()
        now, before = (int(re.search(rf"placed {when}\s+([\d,]+)", self.said())[1].replace(",", "")) for when in ("now", "before"))
        assert self.placed() == now + before, self.said()
        p = self.platform
        wait_for(lambda: behind(p) == 0, 60)

    def placed(self):
        return int(self.platform.sql(PLACED)[0][0])

    def said(self):
        return (self.platform.folder / "replay.out").read_text()


@pytest.fixture(scope="module")
def invoices():
    if RETAIL.exists():
        yield RETAIL
        return
    folder = scratch_folder()
    write_invoices(folder / "invoices.csv", 20 * STEP)
    yield folder / "invoices.csv"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def replays(invoices, jars):  # noqa: F811
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    with platforms() as make:
        p = make("profile=full", "stack.with=kafka,redis", f"kafka.jars={jars}", "kafka.session_timeout=6s").start(timeout=200)
        yield Replays(p, invoices)


def pid_of(p, what):
    if what in ("broker", "redis"):
        return p.state()[{"broker": "kafka_pid", "redis": "redis_pid"}[what]]
    return next(one["pid"] for one in json.loads((p.folder / "roles.json").read_text())["processes"] if one["role"] == what)


def is_back(p, what, instead_of):
    if what in ("broker", "redis"):
        return pid_of(p, what) not in (0, instead_of)
    return any(one["role"] == what and one["ready"] and one["pid"] != instead_of for one in p.processes())


def test_the_replay_with_nothing_in_its_way(replays):
    replays.begin()
    replays.end()
    assert trouble(replays.platform).strip() == ""


@pytest.mark.parametrize("what", ["order", "inventory", "payment", "product", "gateway", "broker", "redis"])
def test_the_replay_while_one_is_killed_in_the_middle(replays, what):
    p = replays.platform
    replays.begin()
    pid = pid_of(p, what)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: is_back(p, what, pid), 90)
    replays.end()


@pytest.mark.parametrize("what", ["order", "broker", "redis"])
def test_the_replay_while_one_stands_still_in_the_middle(replays, what):
    """Until somebody has noticed: a role is given up and started again, of a broker the platform says that it does not answer, and what
    Redis does not answer is done without it."""
    p = replays.platform
    replays.begin()
    pid = pid_of(p, what)
    os.kill(pid, signal.SIGSTOP)
    try:
        before = replays.placed()
        if what == "order":
            wait_for(lambda: is_back(p, what, pid), 90)
        elif what == "broker":
            wait_for(lambda: "does not answer" in trouble(p), 60)
        else:
            wait_for(lambda: replays.placed() >= before + STEP // 8, 120)
    finally:
        if pathlib.Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGCONT)
    replays.end()
