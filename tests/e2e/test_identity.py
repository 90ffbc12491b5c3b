"""Who a process is among its peers: certificates of the platform's own authority, replaced while orders go on."""

import json
import socket
import ssl
import subprocess
import uuid

import grpc
import pytest

from conftest import final, place, platforms, wait_for
from test_roles import make_article, roles, the_only

LIFE = 8  # seconds


@pytest.fixture(scope="module")
def many():
    with platforms() as make:
        yield make("profile=full", f"peers.certificate_life={LIFE}s", "peers.trust_domain=shop.test").start(timeout=120)


def shown(port, *what):
    """What openssl says of the certificate that the listener of a process shows."""
    pem = ssl.get_server_certificate(("127.0.0.1", port), timeout=10)
    done = subprocess.run(["openssl", "x509", "-noout", *what], input=pem, capture_output=True, text=True, check=True)
    return done.stdout


def log(p, role, event):
    lines = (p.folder / "log" / f"{role}.log").read_text().splitlines()
    return [one for one in map(json.loads, filter(lambda line: line.startswith("{"), lines)) if one["event"] == event]


def serials(p):
    return {role: shown(some[0]["port"], "-serial") for role, some in roles(p).items()}


def test_each_process_says_who_it_is(many):
    for role, [process] in roles(many).items():
        assert f"URI:spiffe://shop.test/{role}\n" in shown(process["port"], "-ext", "subjectAltName")
        assert "CA:FALSE" in shown(process["port"], "-ext", "basicConstraints")


def test_certificates_are_replaced_and_no_order_is_lost(many):
    first, pids = serials(many), {role: the_only(many, role)["pid"] for role in roles(many)}
    sku, shopper, placed, seen = make_article(many, stock=5000), many.shopper(), [], {role: {serial} for role, serial in first.items()}
    while min(map(len, seen.values())) < 4:  # by then the first ones have ended
        placed.append(place(shopper, [(sku, 1)])["id"])
        for role, serial in serials(many).items():
            seen[role].add(serial)
    assert {final(shopper, o, timeout=60)["status"] for o in placed} == {"ORDER_STATUS_CONFIRMED"}
    assert {role: the_only(many, role)["pid"] for role in roles(many)} == pids, "nobody was restarted"
    assert not any(log(many, role, "peer.refused") for role in roles(many))
    many.verified()


def test_who_shows_no_certificate_is_refused_and_told_of(many):
    port, path = the_only(many, "order")["port"], "/bitvelocity.commerce.order.v1.OrderService/ListOrders"
    for caller in None, "service;00000000-0000-0000-0000-000000000000;;", f"user;{uuid.uuid4()};admin;orders.read.any":
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary(path)(b"", timeout=10, metadata=[("bv-caller", caller)] if caller else [])
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert [one for one in log(many, "order", "peer.refused") if one["path"] == path and one["peer"] == "none"]


def test_a_certificate_of_another_authority_opens_no_connection(many, tmp_path):
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=gateway",
                    "-addext", "subjectAltName=URI:spiffe://shop.test/gateway", "-out", str(chain), "-keyout", str(key)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def refusal():
        with pytest.raises(ssl.SSLError) as refused, socket.create_connection(("127.0.0.1", the_only(many, "order")["port"]), timeout=10) as plain, context.wrap_socket(plain) as tls:
            tls.recv(1)  # what a server thinks of a certificate comes after the handshake
        return str(refused.value)
    assert "certificate required" in refusal().lower()
    context.load_cert_chain(chain, key)
    assert "alert" in refusal()
    wait_for(lambda: len({one["why"] for one in log(many, "order", "tls.peer_refused")}) >= 2)
