"""A platform whose events have schemas in a registry: what others find there, and what becomes of orders when it dies."""

import os
import signal

import pytest
import requests
from brokers import behind, jars, kafka_platform, registry, trouble  # noqa: F401 (fixtures)
from history import Shopping

from conftest import final, place, wait_for

ORDER_PLACED = "bitvelocity.orders-bitvelocity.commerce.order.v1.OrderPlaced"


@pytest.fixture
def with_registry(kafka_platform, registry):  # noqa: F811
    return kafka_platform("stack.with=registry", f"registry.program={registry}", "orders.stock_timeout=4m", "orders.payment_timeout=4m").start(timeout=240)


def test_events_have_schemas_that_outlive_the_registry(with_registry):
    p = with_registry
    shopper = p.shopper()
    sku = p.operator().get("/v1/products", pageSize=1)["products"][0]["sku"]
    assert final(shopper, place(shopper, [(sku, 1)])["id"], 240)["status"] == "ORDER_STATUS_CONFIRMED"
    url = p.state()["registry"]
    schema = requests.get(f"{url}/subjects/{ORDER_PLACED}/versions/latest", timeout=10).json()
    assert "message OrderPlaced" in schema["schema"]
    assert {r["name"] for r in schema["references"]} == {"bitvelocity/commerce/order/v1/OrderedLine.proto", "bitvelocity/type/v1/Money.proto"}
    assert requests.get(f"{url}/config/{ORDER_PLACED}", timeout=10).json()["compatibilityLevel"] == "BACKWARD_TRANSITIVE"
    assert "registry" in p.run("status").out
    document = requests.get(p.url + "/asyncapi.json", timeout=10).json()
    [placed] = [m for m in document["components"]["messages"].values() if m["name"].endswith(".OrderPlaced")]
    assert (placed["bindings"]["kafka"]["x-schema-subject"], placed["bindings"]["kafka"]["x-schema-id"]) == (ORDER_PLACED, schema["id"])

    pid = p.state()["registry_pid"]
    os.kill(pid, signal.SIGKILL)
    shopping = Shopping(p)
    with shopping:  # nobody waits for it
        shopping.until(8)
    shopping.check(timeout=120)
    wait_for(lambda: p.state()["registry_pid"] not in (0, pid), 30)
    wait_for(lambda: trouble(p) == "", 60)
    again = requests.get(f"{url}/subjects/{ORDER_PLACED}/versions/latest", timeout=10).json()
    assert (again["id"], again["version"]) == (schema["id"], schema["version"])
    groups_are_rewound(p)


def groups_are_rewound(p):
    """A read model applies its events again over Kafka; what does things once refuses."""
    wait_for(lambda: behind(p) == 0, 30)
    done = p.run("events", "rewind", "orders-projections", "--to", "beginning", "--yes")
    assert done.code == 0, done
    assert "Done." in done.out
    refused = p.run("events", "rewind", "inventory", "--to", "beginning", "--yes")
    assert refused.code == 1, refused
    assert "would do it twice" in refused.err
    p.verified()


def test_a_registry_that_is_away_from_the_start_is_told_and_waited_for(kafka_platform):  # noqa: F811
    p = kafka_platform("registry.url=http://127.0.0.1:9").start(timeout=150)
    shopper = p.shopper()
    sku = p.operator().get("/v1/products", pageSize=1)["products"][0]["sku"]
    order = place(shopper, [(sku, 1)])  # taken as ever
    assert order["status"] == "ORDER_STATUS_PLACED"
    wait_for(lambda: "the schema registry at http://127.0.0.1:9 does not answer" in trouble(p), 30)
    answer = requests.get(p.url + "/readyz", timeout=10)
    assert (answer.status_code, "schema registry" in answer.text) == (200, True)


def test_a_registry_without_kafka_is_refused(own_platform):
    done = own_platform("registry.url=http://127.0.0.1:9").run("up", "--set", "registry.url=http://127.0.0.1:9", "--port", "0")
    assert done.code == 2, done
    assert "--with kafka" in done.err
