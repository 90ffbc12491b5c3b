"""An order over Kafka and RabbitMQ: what is sent and who takes it are in the order's one tree."""

import sys

import pytest
from stack import Tree, in_console, in_jaeger, is_event, is_grpc, is_sent_by, is_sql, needs_jaeger, ordered

from conftest import ROOT, platforms, wait_for

sys.path[:0] = [str(ROOT / "tests/kafka"), str(ROOT / "tests/rabbitmq")]
from amqp_platform import server_program  # noqa: E402, F401 (fixture)
from brokers import jars  # noqa: E402, F401 (fixture)


@pytest.fixture(scope="module")
def over_brokers(jars, server_program):  # noqa: F811
    needs_jaeger()
    settings = ("profile=full", "stack.with=jaeger,kafka,rabbitmq", f"kafka.jars={jars}", f"observability.programs={ROOT}/build/tools/bin",
                "orders.stock_timeout=4m", "orders.payment_timeout=4m")
    with platforms() as make:
        yield make(*settings).start(timeout=300)


@pytest.mark.parametrize("shown_by", [in_console, in_jaeger])
def test_one_order_is_one_tree_over_kafka_and_rabbitmq(over_brokers, shown_by):
    trace, above = ordered(over_brokers, timeout=240)

    def with_the_mail():
        spans = shown_by(over_brokers, trace)
        return spans if any(s["name"] == "deliver mail" for s in spans.values()) else None
    tree = Tree(wait_for(with_the_mail, 60, every=1))
    assert (tree.root["parent"], tree.root["service"], tree.root["tags"]["http.route"]) == (above, "gateway", "/v1/orders")
    by_kafka, by_rabbitmq = is_sent_by("kafka"), is_sent_by("rabbitmq")
    tree.has(by_kafka, under=is_grpc, service="order", name="publish OrderPlaced")         # HTTP, gRPC, then what the order's transaction tells
    for service in ("inventory", "payment", "notification"):                               # who takes it from Kafka, in another process
        tree.has(is_event, under=by_kafka, service=service, kind="consumer")
    tree.has(is_sql, under=by_kafka)
    tree.has(lambda s: s["name"].startswith("payment provider"), under=by_kafka, service="payment", kind="client")
    tree.has(by_rabbitmq, under=by_kafka, service="notification", name="publish deliver_mail")
    tree.has(lambda s: s["name"] == "deliver mail", under=by_rabbitmq, service="notification", kind="consumer")
    [sent] = [s for s in tree.spans.values() if s["name"] == "publish OrderPlaced"]
    assert sent["tags"]["messaging.destination.name"] == "bitvelocity.orders"
    assert int(sent["tags"]["messaging.kafka.offset"]) >= 0
