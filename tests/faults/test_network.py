"""The network between the platform, its database and its payment provider misbehaves under load.

Every scenario: shoppers at work, the fault for some seconds, the network heals, orders are taken again, and then what the
shoppers were told is held against the platform, and `verify` against its stores.
"""

import subprocess
import time
import types

import pytest
from gate import TO_CLIENT, TO_SERVER, Gate
from history import Shopping

from conftest import BINARY, platforms, scratch_folder, wait_for
from postgres_server import PostgresServer, free_port

FAULTY_FOR = 4.0  # seconds


@pytest.fixture(scope="module")
def behind_gates():
    """A platform on a PostgreSQL server and a payment provider of the test's own, each behind a gate: .platform, .database, .provider."""
    folder = scratch_folder()
    provider_port = free_port()
    with platforms() as make, PostgresServer(folder / "server") as server, Gate(("127.0.0.1", server.port)) as database, \
            Gate(("127.0.0.1", provider_port)) as provider:
        server.psql("CREATE DATABASE shop")
        p = make(f"database.url={server.conninfo(database='shop', port=database.port)}", f"provider.url=http://127.0.0.1:{provider.port}", "provider.timeout=1s")
        p.start()
        port_file = p.folder / "provider-port"
        process = subprocess.Popen([BINARY, "provider", "--data-dir", str(p.folder), "--platform-url", p.url, "--port", str(provider_port),
                                    "--port-file", str(port_file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(port_file.exists)
        try:
            yield types.SimpleNamespace(platform=p, database=database, provider=provider, server=server)
        finally:
            database.heal()
            provider.heal()
            p.stop()
            process.terminate()
            process.wait(20)
    subprocess.Popen(["rm", "-rf", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def hold(seconds=FAULTY_FOR):
    time.sleep(seconds)


def slow(gate):
    gate.delay(0.02, jitter=0.04)
    hold()


def thin(gate):
    gate.throttle(60_000)
    hold()


def in_crumbs(gate):
    gate.split(3)
    hold()


def again_and_again(act, every):
    end = time.monotonic() + FAULTY_FOR
    while time.monotonic() < end:
        act()
        time.sleep(every)


def resets(gate):
    again_and_again(gate.reset, 0.3)


def torn(gate):
    sizes = iter([17, 400, 5, 2_000, 90, 1, 700] * 10)
    again_and_again(lambda: gate.cut_after(next(sizes), TO_CLIENT), 0.25)


def requests_torn(gate):
    sizes = iter([300, 1, 60, 2_500, 20] * 10)
    again_and_again(lambda: gate.cut_after(next(sizes), TO_SERVER), 0.25)


def answers_vanish(gate):
    gate.silence(TO_CLIENT)
    hold()


def requests_vanish(gate):
    gate.silence(TO_SERVER)
    hold()


def partition(gate):
    gate.partition()
    hold(2 * FAULTY_FOR)


def refused(gate):
    gate.refuse()
    gate.reset()
    hold()


FAULTS = [slow, thin, in_crumbs, resets, torn, requests_torn, answers_vanish, requests_vanish, partition, refused]


def survives(world, gate, fault):
    with Shopping(world.platform) as shopping:
        def traffic():
            return gate.connections, gate.resets, gate.dropped, dict(gate.segments)
        before = traffic()
        try:
            fault(gate)
            assert traffic() != before, "the fault met no traffic"
        finally:
            gate.heal()
        shopping.until(8, timeout=90)  # it takes orders again
    shopping.check()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)
def test_the_way_to_the_database(behind_gates, fault):
    survives(behind_gates, behind_gates.database, fault)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)
def test_the_way_to_the_payment_provider(behind_gates, fault):
    survives(behind_gates, behind_gates.provider, fault)
