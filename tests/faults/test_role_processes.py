"""Shoppers at work while processes of single services die or stand still."""

import json
import os
import signal

import pytest
from history import Shopping

from conftest import wait_for


def processes(p, role):
    return [one for one in json.loads((p.folder / "roles.json").read_text())["processes"] if one["role"] == role]


def one_at_work(p, role):
    """The pid of a process of the role; one that was killed has none until it is started again."""
    ready = wait_for(lambda: [one["pid"] for one in processes(p, role) if one["state"] == "ready" and one["pid"] > 0], 60)
    return ready[0]


@pytest.fixture
def shop_at(own_platform):
    """A platform of many processes, and shoppers in it."""
    p = own_platform("profile=full").start(timeout=120)
    yield p, Shopping(p)


@pytest.mark.parametrize("role", ["order", "gateway"])
def test_a_role_that_is_killed_in_the_middle(shop_at, role):
    p, shopping = shop_at
    with shopping:
        for _ in range(2):
            [one] = processes(p, role)
            os.kill(one["pid"], signal.SIGKILL)
            wait_for(lambda: (now := processes(p, role)[0])["ready"] and now["pid"] != one["pid"], 60)  # noqa: B023
            shopping.until(4, timeout=90)
    shopping.check()


OWNED = {"order": "orders", "inventory": "inventory", "payment": "payment"}  # role: its schema


def owners(p, role):
    """Pids by the lease that they hold."""
    rows = p.sql(f"SELECT name, split_part(owner, ':', 3) FROM {OWNED[role]}.leases WHERE expires_at > clock_timestamp()")
    return {name: int(pid) for name, pid in rows}


def all_owned(p, role, by_none_of):
    """The leases of a role once each has an owner that is alive."""
    held, pids = owners(p, role), {one["pid"] for one in processes(p, role) if one["ready"]} - set(by_none_of)
    return held if held and set(held.values()) <= pids else None


def scaled(p):
    for role in OWNED:
        assert p.run("scale", f"{role}=3").code == 0
    for role in OWNED:
        wait_for(lambda: all_owned(p, role, ()), 30)  # noqa: B023


def test_the_owner_among_three_that_is_killed(own_platform):
    """Others see that it is gone: its leases, of a minute here, are not waited for."""
    p = own_platform("profile=full", "leases.life=60s").start(timeout=120)
    scaled(p)
    shopping = Shopping(p)
    with shopping:
        for role in OWNED:
            for pid in set(owners(p, role).values()):
                os.kill(pid, signal.SIGKILL)
                wait_for(lambda: all_owned(p, role, [pid]), 30)  # noqa: B023
                shopping.until(4, timeout=30)
    shopping.check()


def test_the_owner_among_three_that_freezes_and_wakes(own_platform):
    """Its leases run out, and another goes on; awake again, it changes nothing and is one of those that wait."""
    p = own_platform("profile=full", "leases.life=2s").start(timeout=120)
    scaled(p)
    shopping = Shopping(p)
    with shopping:
        for role in OWNED:
            for pid in set(owners(p, role).values()):
                os.kill(pid, signal.SIGSTOP)
                try:
                    wait_for(lambda: all_owned(p, role, [pid]), 30)  # noqa: B023
                finally:
                    os.kill(pid, signal.SIGCONT)
                shopping.until(4, timeout=60)
    shopping.check()
