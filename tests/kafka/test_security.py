"""Events over TLS with a login by SCRAM-SHA-512; and what is said when the login or the certificate is not right."""

import shutil

import pytest
from brokers import behind, jars, trouble  # noqa: F401 (fixtures)
from secure_broker import PASSWORD, SecureBroker

from conftest import final, place, wait_for


@pytest.fixture(scope="module")
def broker(jars, tmp_path_factory):  # noqa: F811
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    one = SecureBroker(jars, tmp_path_factory.mktemp("secure"))
    yield one
    one.stop()


def test_events_go_over_tls_and_a_login_and_wait_while_either_is_wrong(own_platform, broker):
    p = own_platform(*broker.settings(broker.ca, PASSWORD)).start(timeout=150)
    shopper = p.shopper()
    sku = p.operator().get("/v1/products", pageSize=1)["products"][0]["sku"]
    assert final(shopper, place(shopper, [(sku, 1)])["id"], 240)["status"] == "ORDER_STATUS_CONFIRMED"
    wait_for(lambda: behind(p) == 0 and trouble(p) == "", 30)

    p.stop()
    p.settings = broker.settings(broker.ca, "wrong")
    p.start(timeout=150)
    order = place(p.again(shopper), [(sku, 1)])
    wait_for(lambda: "refuses the login" in trouble(p) and "kafka.password" in trouble(p), 30)

    p.stop()
    p.settings = broker.settings(broker.other_ca, PASSWORD)
    p.start(timeout=150)
    wait_for(lambda: "does not show a certificate that is trusted" in trouble(p) and "ssl.ca.location" in trouble(p), 30)

    p.stop()
    p.settings = broker.settings(broker.ca, PASSWORD)
    p.start(timeout=150)
    assert final(p.again(shopper), order["id"], 240)["status"] in ("ORDER_STATUS_CONFIRMED", "ORDER_STATUS_CANCELLED")
    p.verified()
