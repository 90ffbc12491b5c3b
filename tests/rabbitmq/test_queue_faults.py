"""Shoppers at work while RabbitMQ is killed, stands still, is restarted and raises its disk alarm: every outcome has its mail, once."""

import os
import signal

import requests
from amqp_platform import all_told, control, jobs, listening, rabbitmq_platform, server_program, status, trouble  # noqa: F401 (fixtures)
from history import Shopping
from test_processes import freeze
from test_role_processes import one_at_work

from conftest import final, place, wait_for


def end_server(p, how):
    """It is started again by itself."""
    pid = wait_for(lambda: p.state()["rabbitmq_pid"], 60)
    os.kill(pid, how)
    wait_for(lambda: p.state()["rabbitmq_pid"] not in (0, pid), 60)


def test_a_server_that_is_killed_frozen_restarted_and_low_on_disk(rabbitmq_platform):  # noqa: F811
    p = rabbitmq_platform().start(timeout=150)
    wait_for(lambda: trouble(p) == "", 60)
    assert listening(p.state()["rabbitmq_pid"]) == {"0100007F"}, "on loopback only"
    shopping = Shopping(p)
    with shopping:
        end_server(p, signal.SIGKILL)
        shopping.until(10)  # orders are taken meanwhile
        wait_for(lambda: trouble(p) == "", 90)
        freeze([p.state()["rabbitmq_pid"]], 8)  # longer than its heartbeats are waited for
        shopping.until(5)
        wait_for(lambda: trouble(p) == "", 90)
        control(p, "set_disk_free_limit", "900000GB")
        wait_for(lambda: "takes no messages" in trouble(p), 60)
        answer = requests.get(p.url + "/readyz", timeout=10)
        assert answer.status_code == 200 and "takes no messages" in answer.text
        shopping.until(5)
        assert jobs(p)[0] > 0
        control(p, "set_disk_free_limit", "50MB")
        wait_for(lambda: trouble(p) == "", 60)
        end_server(p, signal.SIGTERM)
        shopping.until(5)
    shopping.check(timeout=150)
    wait_for(lambda: trouble(p) == "", 90)
    all_told(p)


def test_queues_that_are_deleted_are_made_again_and_lose_nothing(rabbitmq_platform):  # noqa: F811
    p = rabbitmq_platform().start(timeout=150)
    shopping = Shopping(p, shoppers=2)
    with shopping:
        control(p, "delete_queue", "bitvelocity.jobs.mail")
        shopping.until(5)
        control(p, "purge_queue", "bitvelocity.jobs.mail")
        shopping.until(5)
    shopping.check()
    all_told(p)


def test_a_mail_is_in_its_orders_trace_and_the_queue_in_the_status(rabbitmq_platform):  # noqa: F811
    p = rabbitmq_platform().start(timeout=150)
    shopper, sku = p.shopper(), p.client().get("/v1/products")["products"][0]["sku"]
    order = place(shopper, [(sku, 1)])
    assert final(shopper, order["id"])["status"] == "ORDER_STATUS_CONFIRMED"
    all_told(p)
    trace = p.sql(f"SELECT traceparent FROM orders.outbox WHERE key = '{order['id']}' LIMIT 1")[0][0].split("-")[1]
    wait_for(lambda: any(s["name"] == "deliver mail" for s in p.client().get(f"/v1/traces/{trace}")["spans"]), 10)
    assert [q["queue"] for q in status(p)["jobQueues"]] == ["mail"]
    shown = p.run("status").out
    assert "rabbitmq" in shown and "job queue" in shown
    assert 'bv_rabbitmq_published_total{outcome="confirmed"}' in p.metrics_text()


def test_processes_of_the_role_that_die(rabbitmq_platform):  # noqa: F811
    """Each service a process, two of notification; and then without RabbitMQ, which loses nothing either."""
    p = rabbitmq_platform("profile=full").start(timeout=240)
    assert p.run("scale", "notification=2").code == 0
    shopping = Shopping(p)
    with shopping:
        for _ in range(2):
            os.kill(one_at_work(p, "notification"), signal.SIGKILL)
            shopping.until(6, timeout=120)
        freeze([one_at_work(p, "notification")], 12)  # longer than its lease to tell RabbitMQ
        end_server(p, signal.SIGKILL)
        shopping.until(6, timeout=120)
    p.stop()
    p.settings = [s for s in p.settings if not s.startswith(("stack.with", "rabbitmq.", "profile"))]
    p.start()
    for s in shopping.shoppers:
        s.client = p.again(s.client)
    shopping.check(timeout=150)
    all_told(p, 180)
