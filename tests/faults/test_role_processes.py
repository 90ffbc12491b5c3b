"""Shoppers at work while processes of single services die or stand still."""

import json
import os
import signal

import pytest
from history import Shopping
from test_processes import freeze

from conftest import wait_for


def processes(p, role):
    return [one for one in json.loads((p.folder / "roles.json").read_text())["processes"] if one["role"] == role]


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


def test_an_owner_among_three_that_freezes_and_wakes(shop_at):
    """What it held is done by another; awake again, it changes nothing."""
    p, shopping = shop_at
    assert p.run("scale", "order=3").code == 0
    with shopping:
        for one in processes(p, "order"):
            freeze([one["pid"]], 4)
            shopping.until(2, timeout=90)
    shopping.check()
