"""The network between the platform, its database and its payment provider misbehaves under load.

Every scenario: shoppers at work, the fault for some seconds, the network heals, orders are taken again, and then what the
shoppers were told is held against the platform, and `verify` against its stores.
"""

import random
import subprocess
import types

import pytest
import strikes
from gate import Gate
from history import Shopping

from conftest import free_port, platforms, scratch_folder
from postgres_server import PostgresServer

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
        process = strikes.start_provider(p, provider_port)
        try:
            yield types.SimpleNamespace(platform=p, database=database, provider=provider, server=server)
        finally:
            database.heal()
            provider.heal()
            p.stop()
            process.terminate()
            process.wait(20)
    subprocess.Popen(["rm", "-rf", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


# Sizes of what is cut, and the order of the faults, are the same in each run.
FAULTS = {name: (do, 2 * FAULTY_FOR if name == "cut off" else FAULTY_FOR) for name, do in strikes.NETWORK.items()}


def survives(world, gate, fault):
    with Shopping(world.platform) as shopping:
        def traffic():
            return gate.connections, gate.resets, gate.dropped, dict(gate.segments)
        before = traffic()
        try:
            do, seconds = FAULTS[fault]
            do(gate, seconds, random.Random(1))
            assert traffic() != before, "the fault met no traffic"
        finally:
            gate.heal()
        shopping.until(8, timeout=90)  # it takes orders again
    shopping.check()


@pytest.mark.parametrize("fault", FAULTS)
def test_the_way_to_the_database(behind_gates, fault):
    survives(behind_gates, behind_gates.database, fault)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_way_to_the_payment_provider(behind_gates, fault):
    survives(behind_gates, behind_gates.provider, fault)
