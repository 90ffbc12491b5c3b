"""Events over TLS with certificates of both sides and a login; what is said when one of them is wrong, and what becomes of orders meanwhile."""

import ctypes
import shutil

import pytest
import requests
from brokers import behind, jars, trouble  # noqa: F401 (fixtures)
from secure_broker import USER, SecureBroker

from conftest import UNLIMITED, final, place, wait_for

PASSWORD = "a-word-for-the-broker"

# What is wrong, and what people read.
WRONG = (({"ca_file": "other_ca"}, "does not show a certificate that is trusted", "see kafka.ca_file"),
         ({"certificate_file": None, "key_file": None}, "refuses our certificate, or that there is none", "see kafka.certificate_file and kafka.key_file"),
         ({"security": "plaintext", "user": None, "password": None, "ca_file": None, "certificate_file": None, "key_file": None},
          "does not speak without TLS there", "see kafka.security, which is plaintext"))


@pytest.fixture(scope="module")
def broker(jars, tmp_path_factory):  # noqa: F811
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    one = SecureBroker(jars, tmp_path_factory.mktemp("secure"))
    one.start("another")
    yield one
    one.stop()


def ordered(p, shopper):
    sku = p.operator().get("/v1/products", pageSize=1)["products"][0]["sku"]
    order = place(shopper, [(sku, 1)])
    assert order["status"] == "ORDER_STATUS_PLACED"
    return order["id"]


def started_again(p, settings):
    p.stop()
    p.settings = [*UNLIMITED, *settings]
    return p.start(timeout=150)


def test_events_go_over_tls_and_a_login_and_wait_while_one_of_them_is_wrong(own_platform, broker):
    p = own_platform(*broker.settings(PASSWORD)).start(timeout=150)
    shopper = p.shopper()
    orders = [ordered(p, shopper)]
    wait_for(lambda: f"refuses the login of {USER}: see kafka.user, kafka.password" in trouble(p), 60)
    assert "refuses the login" in p.run("status").out
    answer = requests.get(p.url + "/readyz", timeout=10)
    assert (answer.status_code, "refuses the login" in answer.text) == (200, True)
    broker.start(PASSWORD)  # mended where it was wrong: nobody starts the platform again
    wait_for(lambda: trouble(p) == "", 60)
    assert final(shopper, orders[0], 240)["status"] == "ORDER_STATUS_CONFIRMED"
    wait_for(lambda: behind(p) == 0, 60)

    for wrong, *told in WRONG:
        wrong = {name: getattr(broker, value) if name == "ca_file" and value else value for name, value in wrong.items()}
        started_again(p, broker.settings(PASSWORD, **wrong))
        orders.append(ordered(p, p.again(shopper)))
        wait_for(lambda: all(words in trouble(p) for words in told), 60)

    started_again(p, broker.settings(PASSWORD))
    shopper = p.again(shopper)
    for order in orders:
        assert final(shopper, order, 240)["status"] == "ORDER_STATUS_CONFIRMED"
    wait_for(lambda: trouble(p) == "" and behind(p) == 0, 60)
    p.verified()
    said = (p.folder / "up.out").read_text() + "".join(f.read_text() for f in (p.folder / "log").glob("*.log"))
    assert PASSWORD not in said + p.run("settings", "--set", f"kafka.password={PASSWORD}").out


def test_a_login_by_scram_works_or_is_told_to_be_the_librarys_fault(own_platform, broker):
    broker.know_by_scram(PASSWORD)
    p = own_platform(*broker.settings(PASSWORD, sasl_mechanism="SCRAM-SHA-512")).start(timeout=150)
    if ctypes.CDLL("librdkafka.so.1").rd_kafka_version() >= 0x020601ff:
        wait_for(lambda: trouble(p) == "", 60)
    else:
        wait_for(lambda: "Kafka 4 refuses every login by SCRAM of librdkafka before 2.6.1" in trouble(p), 60)


@pytest.mark.parametrize("settings, told", [
    (("kafka.brokers=127.0.0.1:9", "kafka.security=sasl_ssl", "kafka.user=shop"), "BV_KAFKA_PASSWORD"),
    (("kafka.brokers=127.0.0.1:9", "kafka.security=ssl", "kafka.ca_file=/no/ca.pem"), 'kafka.ca_file: "/no/ca.pem" cannot be read'),
    (("kafka.security=ssl",), "the private broker listens on this machine alone")])
def test_settings_that_cannot_be_right_are_refused_at_once(own_platform, settings, told):
    p = own_platform()
    flags = [word for s in ("events.log=kafka", *settings) for word in ("--set", s)]
    done = p.run("up", "--port", "0", *flags)
    assert done.code == 2, done
    assert told in done.err
    assert "database: " not in done.out + done.err  # told before anything starts
