"""What an attacker or a broken client sends is refused, named, and harms nobody."""

import base64
import json
import socket
import uuid

import pytest
import requests

from conftest import Client, Problem, place


def refused(call, *args, **kwargs):
    with pytest.raises(Problem) as e:
        call(*args, **kwargs)
    assert e.value.headers["Content-Type"].startswith("application/problem+json")
    assert e.value.problem["status"] == e.value.status
    return e.value


def test_other_peoples_orders_do_not_exist(platform, shop):
    sku, owner, stranger = shop(5), platform.shopper(), platform.shopper()
    order = place(owner, [(sku, 1)])
    for call in (lambda: stranger.get(f"/v1/orders/{order['id']}"), lambda: stranger.get(f"/v1/orders/{order['id']}/events"),
                 lambda: stranger.post(f"/v1/orders/{order['id']}:cancel"), lambda: stranger.post(f"/v1/orders/{order['id']}:return")):
        assert refused(call).status == 404
    assert refused(stranger.get, f"/v1/accounts/{owner.id}").status in (403, 404)
    assert stranger.get("/v1/orders").get("orders", []) == []
    assert stranger.get("/v1/payments", orderId=order["id"]).get("payments", []) == []


def test_orders_for_others_need_the_scope(platform, shop):
    sku, shopper, other = shop(5), platform.shopper(), platform.shopper()
    assert refused(place, shopper, [(sku, 1)], customerId=other.id).status == 403


@pytest.mark.parametrize("path", ["/v1/products", "/v1/stock/X:receive", "/v1/apiKeys", "/v1/platform/keys:rotate"])
def test_shoppers_cannot_manage(platform, path):
    problem = refused(platform.shopper().post, path, {"sku": "X", "name": "x", "prices": [{"currency": "GBP", "minorUnits": 1}], "quantity": 1, "label": "x", "roles": ["admin"]})
    assert problem.status == 403


def b64(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_forged_tokens_are_refused(platform):
    shopper = platform.shopper()
    token = shopper.session.headers["Authorization"].split()[1]
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = [
        f"{b64({'alg': 'none', 'typ': 'at+jwt'})}.{body}.",
        f"{b64({'alg': 'HS256', 'typ': 'at+jwt'})}.{body}.{signature}",
        f"{head}.{b64({**claims, 'roles': ['admin']})}.{signature}",
        f"{head}.{b64({**claims, 'exp': 1})}.{signature}",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{head}.{body}", "x", "." * 5, "A" * 9000,
    ]
    for t in forged:
        assert refused(Client(platform.url, token=t).get, "/v1/accounts/me").status in (401, 431), t[:60]
    assert refused(platform.client(api_key="bvk_nothing").get, "/v1/accounts/me").status == 401
    assert refused(platform.client().get, "/v1/accounts/me").status == 401


@pytest.mark.parametrize("body,where", [
    ({}, "lines"),
    ({"lines": [], "currency": "GBP", "paymentMethod": "card_ok"}, "lines"),
    ({"lines": [{"sku": "x", "quantity": 0}], "currency": "GBP", "paymentMethod": "card_ok"}, "lines[0].quantity"),
    ({"lines": [{"sku": "x", "quantity": -5}], "currency": "GBP", "paymentMethod": "card_ok"}, "lines[0].quantity"),
    ({"lines": [{"sku": "x", "quantity": "9" * 30}], "currency": "GBP", "paymentMethod": "card_ok"}, "lines[0].quantity"),
    ({"lines": [{"sku": "x", "quantity": 1.5}], "currency": "GBP", "paymentMethod": "card_ok"}, "lines[0].quantity"),
    ({"lines": [{"sku": "x'; DROP TABLE orders.events; --", "quantity": 1}], "currency": "GBP", "paymentMethod": "card_ok"}, "lines[0].sku"),
    ({"lines": [{"sku": "x", "quantity": 1}], "currency": "pounds", "paymentMethod": "card_ok"}, "currency"),
    ({"lines": [{"sku": "no-such-sku", "quantity": 1}], "currency": "GBP", "paymentMethod": "card_ok"}, "lines[0].sku"),
    ({"lines": [{"sku": "x", "quantity": 1}] * 1201, "currency": "GBP", "paymentMethod": "card_ok"}, "lines"),
    ({"lines": "x", "currency": "GBP"}, "lines"),
    ({"lines": [{"sku": "x", "quantity": 1, "price": 1}], "currency": "GBP", "paymentMethod": "card_ok"}, "lines[0].price"),
])
def test_every_wrong_field_is_named(platform, body, where):
    problem = refused(platform.shopper().post, "/v1/orders", body, str(uuid.uuid4()))
    assert problem.status == 400
    assert where in [v["field"] for v in problem.problem["violations"]]


@pytest.mark.parametrize("raw", [b"{", b"[" * 100000, b'{"lines":' + b"[" * 500 + b"]" * 500 + b"}", b'{"currency":"\xff\xfe"}', b'{"currency":"\\ud800"}',
                                 b'{"a":1,"a":2}', b"null", b"", b"\x00", b'{"currency":"GBP"} trailing', b"5" * 4096])
def test_malformed_json_is_refused(platform, raw):
    shopper = platform.shopper()
    answer = shopper.session.post(platform.url + "/v1/orders", data=raw, headers={"Content-Type": "application/json"}, timeout=10)
    assert answer.status_code == 400 and answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json()["trace_id"]


def test_sql_in_strings_is_text(platform):
    text = "'; DROP TABLE product.products; -- \" \\ \u0000".replace("\u0000", "")
    assert platform.client().get("/v1/products", query=text).get("products", []) == []
    assert platform.client().get("/v1/products", pageSize=1)["products"]


def test_too_large_is_413_and_a_wrong_type_415(platform):
    big = requests.post(platform.url + "/v1/accounts", data=b"x" * (5 << 20), headers={"Content-Type": "application/json"}, timeout=30)
    assert big.status_code == 413
    assert requests.post(platform.url + "/v1/accounts", data=b"a=1", headers={"Content-Type": "application/x-www-form-urlencoded"}, timeout=10).status_code == 415


def test_unknown_paths_and_verbs(platform):
    assert refused(platform.client().get, "/v1/nothing").status == 404
    problem = refused(platform.client().call, "PUT", "/v1/orders")
    assert problem.status == 405 and "POST" in problem.headers["Allow"]


def test_requests_are_not_smuggled(platform):
    host, port = platform.url.removeprefix("http://").split(":")
    for raw in (b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GARBAGE\r\n\r\n"):
        with socket.create_connection((host, int(port)), 5) as s:
            s.sendall(raw)
            assert s.recv(64).startswith(b"HTTP/1.1 400")


def test_guessing_is_slowed_down_and_unknown_users_look_the_same(platform):
    shopper, anyone = platform.shopper(), platform.client()
    known = refused(anyone.post, "/v1/sessions", {"email": shopper.email, "password": "wrong password"})
    unknown = refused(anyone.post, "/v1/sessions", {"email": "nobody-" + shopper.email, "password": "wrong password"})
    assert known.status == unknown.status == 401
    assert {k: v for k, v in known.problem.items() if k != "trace_id"} == {k: v for k, v in unknown.problem.items() if k != "trace_id"}
    statuses = [refused(anyone.post, "/v1/sessions", {"email": shopper.email, "password": "wrong password"}).status for _ in range(12)]
    assert 429 in statuses


def test_a_refresh_token_used_twice_ends_the_session(platform):
    shopper, anyone = platform.shopper(), platform.client()
    second = anyone.post("/v1/sessions:refresh", {"refreshToken": shopper.refresh})
    assert refused(anyone.post, "/v1/sessions:refresh", {"refreshToken": shopper.refresh}).status == 401
    assert refused(anyone.post, "/v1/sessions:refresh", {"refreshToken": second["refreshToken"]}).status == 401


def test_personal_data_is_not_readable_in_the_database_or_the_logs(platform):
    shopper = platform.shopper()
    log = (platform.folder / "log/platform.log").read_text()
    assert shopper.email not in log and shopper.password not in log
