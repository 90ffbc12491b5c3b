"""Shoppers at work while the broker is killed or stands still, and while what consumes dies: nothing is lost, nothing is done twice."""

import os
import signal

import requests
from brokers import behind, jars, kafka_platform, trouble  # noqa: F401 (fixtures)
from history import Shopping
from test_processes import freeze
from test_role_processes import one_at_work

from conftest import final, place, wait_for


def kill_broker(p):
    """As a power cut of its process would; it is started again by itself."""
    pid = p.state()["kafka_pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: p.state()["kafka_pid"] not in (0, pid), 30)


def test_a_broker_that_is_killed_and_one_that_stands_still(kafka_platform):  # noqa: F811
    p = kafka_platform().start(timeout=150)
    shopping = Shopping(p)
    with shopping:
        for _ in range(2):
            kill_broker(p)
            shopping.until(12)  # orders are taken meanwhile
        freeze([p.state()["kafka_pid"]], 8)
        shopping.until(8)
    shopping.check(timeout=150)
    wait_for(lambda: behind(p) == 0 and trouble(p) == "", 30)


def test_a_broker_that_is_away_is_told_and_orders_wait_for_it(kafka_platform):  # noqa: F811
    p = kafka_platform().start(timeout=150)
    shopper = p.shopper()
    sku = p.operator().get("/v1/products", pageSize=1)["products"][0]["sku"]
    pid = p.state()["kafka_pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: "does not answer" in trouble(p), 30)
        answer = requests.get(p.url + "/readyz", timeout=10)
        assert (answer.status_code, answer.text.split("\n")[0]) == (200, "ready")
        assert "does not answer" in answer.text
        order = place(shopper, [(sku, 1)])
        assert order["status"] == "ORDER_STATUS_PLACED"
    finally:
        os.kill(pid, signal.SIGCONT)
    assert final(shopper, order["id"], 60)["status"] in ("ORDER_STATUS_CONFIRMED", "ORDER_STATUS_CANCELLED")
    wait_for(lambda: trouble(p) == "", 30)


def test_brokers_that_were_never_there_and_then_the_embedded_log(own_platform):
    """Events that no broker took are applied all the same, by another log."""
    p = own_platform("events.log=kafka", "kafka.brokers=127.0.0.1:9").start()
    shopper = p.shopper()
    sku = p.operator().get("/v1/products", pageSize=1)["products"][0]["sku"]
    order = place(shopper, [(sku, 1)])
    wait_for(lambda: "does not answer" in trouble(p), 30)
    p.stop()
    p.settings = [s for s in p.settings if not s.startswith(("events.log", "kafka."))]
    p.start()
    assert final(p.again(shopper), order["id"], 60)["status"] in ("ORDER_STATUS_CONFIRMED", "ORDER_STATUS_CANCELLED")
    p.verified()


def test_processes_that_share_partitions_and_die(kafka_platform):  # noqa: F811
    """Each service a process, two of those that consume most; each is killed, and so is the broker."""
    p = kafka_platform("profile=full").start(timeout=200)
    for role in ("inventory", "order"):
        assert p.run("scale", f"{role}=2").code == 0
    shopping = Shopping(p)
    with shopping:
        for role in ("inventory", "order", "payment"):
            os.kill(one_at_work(p, role), signal.SIGKILL)
            shopping.until(6, timeout=120)
        kill_broker(p)
        shopping.until(6, timeout=120)
        freeze([one_at_work(p, "inventory")], 8)  # longer than its group waits for it
        shopping.until(6, timeout=120)
    shopping.check(timeout=180)
