"""A drill: for each alert its cause is brought about for real, and who should know is told by Alertmanager.

Times are shortened by one factor. What would take weeks is had by a setting: a certificate that ends in two days, identities of seconds.
"""

import concurrent.futures
import contextlib
import http.server
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import types
import uuid

import pytest
import requests
from pager import SEVERITY, Pager, alertmanager
from servers import free_port, prometheus

from conftest import BINARY, Problem, final, place, platforms, scratch_folder, wait_for

POISON = "bitvelocity.commerce.order.v1.RefundRequested"


@contextlib.contextmanager
def drilled(p, targets, faster):
    """Prometheus and Alertmanager on it; what tests need of them."""
    with contextlib.ExitStack() as open_ones:
        folder = scratch_folder()
        open_ones.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        pager = Pager()
        open_ones.callback(pager.server.shutdown)
        manager = open_ones.enter_context(alertmanager(folder, pager, faster))
        live = open_ones.enter_context(prometheus(folder, targets, manager, faster))
        yield types.SimpleNamespace(p=p, pager=pager, live=live)


def told(drill, alert, meanwhile=lambda: None, timeout=180):
    end = time.monotonic() + timeout
    while not drill.pager.knows(alert):
        assert time.monotonic() < end, f"nobody was told of {alert}; firing: {drill.live.firing()}; told: {sorted(drill.pager.told)}"
        meanwhile()
        time.sleep(0.05)


class Refusing(http.server.BaseHTTPRequestHandler):
    """A collector that wants no spans."""

    def do_POST(self):
        self.send_error(403)

    def log_message(self, *arguments):
        pass


# One process

@pytest.fixture(scope="module")
def one():
    refusing = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=refusing.serve_forever, daemon=True).start()
    with platforms() as make:
        p = make("runtime.cores=1", "database.connections=1", "http.request_timeout=1s", "orders.most_open=1000000",
                 f"telemetry.otlp_endpoint=http://127.0.0.1:{refusing.server_port}").start()
        with drilled(p, [p.url.removeprefix("http://")], 40) as drill:
            yield drill
    refusing.shutdown()


def forget_operations(p):
    """What a restored backup does: money was taken, and our books do not know."""
    shopper = p.shopper()
    final(shopper, place(shopper, [("KIT-KETTLE-17", 1)])["id"])
    p.sql("DELETE FROM payment.operations")


def poison(p):
    p.sql(f"INSERT INTO orders.outbox (id, type, key, payload) VALUES ('{uuid.uuid4()}', '{POISON}', '{uuid.uuid4()}', '\\xffffff'); NOTIFY bv_test")


@contextlib.contextmanager
def transaction(p, statement):
    """Somebody's, left open."""
    postmaster = (p.folder / "postgres/pgdata/postmaster.pid").read_text().split("\n")
    environment = {**os.environ, "PGPASSWORD": (p.folder / "postgres/admin.password").read_text().strip()}
    psql = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", postmaster[4], "-p", postmaster[3], "-U", "bv_admin", "-d", "bitvelocity"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    psql.stdin.write(f"BEGIN; {statement}; SELECT 'begun';\n")
    psql.stdin.flush()
    assert psql.stdout.readline().strip() == "begun"
    try:
        yield
    finally:
        psql.communicate("ROLLBACK;\n", timeout=30)


@contextlib.contextmanager
def held_delivery(p):
    with transaction(p, "CREATE TEMPORARY TABLE kept AS SELECT nextval('orders.outbox_position')"):
        yield


@contextlib.contextmanager
def shoppers(p, count, what):
    """So many who do it again and again."""
    over, clients = threading.Event(), [p.shopper() for _ in range(count)]

    def shop(client):
        while not over.is_set():
            with contextlib.suppress(Problem, requests.RequestException):
                what(client)
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        for client in clients:
            pool.submit(shop, client)
        try:
            yield
        finally:
            over.set()


@contextlib.contextmanager
def orders_at_full_speed(p):
    with subprocess.Popen([BINARY, "load", "orders", "--data-dir", str(p.folder), "--for", "10m", "--shoppers", "4"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as load:
        try:
            yield
        finally:
            load.terminate()


@contextlib.contextmanager
def frozen(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def order(client):
    place(client, [("KIT-KETTLE-17", 1)])


def test_spans_that_are_refused(one):
    told(one, "TelemetryLost", meanwhile=lambda: one.p.client().get("/v1/products/KIT-KETTLE-17"))


def test_an_event_that_nobody_can_read(one):
    poison(one.p)
    told(one, "DeadLetters")


def test_a_job_whose_workers_ended_again_and_again(one):
    one.p.sql(f"INSERT INTO notification.jobs (id, queue, kind, payload, traceparent, attempts, due_at) VALUES ('{uuid.uuid4()}', 'mail', 'deliver_mail', '', '', 30, now())")
    told(one, "JobsDead")


def test_a_job_that_somebody_holds(one):
    """A transaction that stays open has its row locked, and workers pass it by."""
    held = uuid.uuid4()
    one.p.sql(f"INSERT INTO notification.jobs (id, queue, kind, payload, traceparent, due_at) VALUES ('{held}', 'mail', 'deliver_mail', '', '', now() + interval '3 s')")
    with transaction(one.p, f"SELECT FROM notification.jobs WHERE id = '{held}' FOR UPDATE"):
        told(one, "JobsOverdue")


def test_money_that_our_books_do_not_know(one):
    forget_operations(one.p)
    told(one, "ReconciliationFindings", timeout=180)  # the books are compared once a minute


def test_a_provider_that_stands_still(one):
    with orders_at_full_speed(one.p), frozen([one.p.state()["provider_pid"]]):
        told(one, "PaymentProviderAway")


def test_events_that_wait_for_an_open_transaction(one):
    with held_delivery(one.p), shoppers(one.p, 1, order):
        told(one, "EventDeliveryHeld")


def test_a_group_that_falls_back(one):
    """Its service cannot log in at the database; orders go on."""
    one.p.sql("ALTER ROLE bv_notification NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'bv_notification'")
    try:
        with orders_at_full_speed(one.p):
            told(one, "EventLag")
    finally:
        one.p.sql("ALTER ROLE bv_notification LOGIN")


def test_a_table_that_somebody_has_locked(one):
    """Reads wait, the pool is used up, requests are late and then fail."""
    def read(client):
        client.get("/v1/orders", pageSize=1)
    with shoppers(one.p, 6, read), transaction(one.p, "LOCK TABLE orders.order_summary IN ACCESS EXCLUSIVE MODE"):
        for alert in ("ConnectionsExhausted", "ApiLatencyBurns", "ApiAvailabilityBurns"):
            told(one, alert)
        wait_for(lambda: ("escalation", "ApiAvailabilityBurns") in one.pager.told, 180)  # it lasts


def test_a_platform_that_is_gone(one):
    one.p.kill()
    told(one, "PlatformDown")


# A process for each service

@pytest.fixture(scope="module")
def small_disk():
    """A file system of 500 MB of its own, where one may be mounted; else a folder."""
    folder = scratch_folder()
    mounted = os.getuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=500m,mode=0711", "tmpfs", str(folder)], capture_output=True, check=False).returncode == 0
    yield types.SimpleNamespace(folder=folder, mounted=mounted)
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=False)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def redis():
    if not shutil.which("redis-server"):
        yield None
        return
    port = free_port()
    with subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL) as process:
        yield types.SimpleNamespace(port=port, process=process)
        process.kill()


@pytest.fixture(scope="module")
def many(small_disk, redis):
    chain, key = small_disk.folder / "chain.pem", small_disk.folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", str(chain), "-keyout", str(key)], check=True, capture_output=True)
    with platforms() as make:
        p = make("profile=full", f"http.tls_certificate={chain}", f"http.tls_key={key}", "peers.certificate_life=20s",
                 *([f"redis.endpoints=127.0.0.1:{redis.port}"] if redis else []))
        p.folder = small_disk.folder / "data"
        p.start()
        with drilled(p, p.folder / "targets.json", 15) as drill:
            yield drill
        p.stop()


def the_only(p, role):
    [found] = [one for one in p.processes() if one["role"] == role]
    return found


def test_a_certificate_that_ends_soon(many):
    told(many, "CertificateExpires")


def test_identities_that_are_about_to_end(many):
    told(many, "IdentityNotRenewed")


def test_a_redis_that_is_gone(many, redis):
    if not redis:
        pytest.skip("redis-server is not installed")
    redis.process.kill()
    redis.process.wait(10)
    told(many, "RedisAway")


def test_a_process_that_is_started_again_and_again(many):
    seen = set()

    def kill_the_next():  # once it was scraped: who dies sooner is down for Prometheus
        for found in many.live.query('process_start_time_seconds{instance="notification"}'):
            if found["value"][1] not in seen:
                seen.add(found["value"][1])
                os.kill(the_only(many.p, "notification")["pid"], signal.SIGKILL)
        time.sleep(0.2)
    told(many, "ProcessRestarts", meanwhile=kill_the_next)


def test_a_process_that_stands_still(many):
    with frozen([the_only(many.p, "audit")["pid"]]):
        told(many, "PlatformDown")


def test_a_disk_that_fills(many, small_disk):
    if not small_disk.mounted:
        pytest.skip("no file system may be mounted here (root is needed)")
    ballast = small_disk.folder / "ballast"
    space = os.statvfs(small_disk.folder)
    with open(ballast, "wb") as f:
        f.write(b"\0" * (space.f_bavail * space.f_frsize - space.f_blocks * space.f_frsize // 20))
    try:
        told(many, "DiskFills")
    finally:
        ballast.unlink()


def test_every_alert_has_its_drill():
    text = pathlib.Path(__file__).read_text(encoding="utf-8")
    assert [name for name in SEVERITY if f'"{name}"' not in text] == []
