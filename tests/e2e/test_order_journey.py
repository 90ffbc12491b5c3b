"""The main job over the public API: placed, reserved, paid, confirmed or compensated, told, audited, conserved."""

import concurrent.futures
import uuid

import pytest

from conftest import Problem, final, place, wait_for


def stock(platform, sku):
    s = platform.operator().get(f"/v1/stock/{sku}")
    return {k: int(s.get(k, 0)) for k in ("received", "reserved", "sold", "available")}


def settled_stock(platform, sku, **expected):
    return wait_for(lambda: (s := stock(platform, sku)) and all(s[k] == v for k, v in expected.items()) and s)


def test_an_order_is_confirmed_and_everything_behind_it_agrees(platform, shop):
    sku, shopper = shop(10, price=250), platform.shopper()
    placed = place(shopper, [(sku, 3)])
    assert placed["status"] == "ORDER_STATUS_PLACED"
    assert placed["total"] == {"currency": "GBP", "minorUnits": "750"}
    order = final(shopper, placed["id"])
    assert order["status"] == "ORDER_STATUS_CONFIRMED"
    settled_stock(platform, sku, available=7, sold=3, reserved=0)
    types = [e["type"] for e in shopper.get(f"/v1/orders/{order['id']}/events")["events"]]
    assert types == ["OrderPlaced", "StockReserved", "PaymentAuthorised", "PaymentCaptured", "OrderConfirmed"]
    payments = shopper.get("/v1/payments", orderId=order["id"])["payments"]
    assert [p["captured"]["minorUnits"] for p in payments] == ["750"]
    told = wait_for(lambda: [n for n in shopper.get("/v1/notifications").get("notifications", []) if n["orderId"] == order["id"]])
    assert [n["kind"] for n in told] == ["NOTIFICATION_KIND_ORDER_CONFIRMED"]
    trail = platform.operator().get("/v1/auditEntries", table="orders.events", pageSize=500)["entries"]
    assert any(e["rowKey"].startswith(order["id"]) and e["actor"] == f"user:{shopper.id}" for e in trail)


def test_a_declined_card_gives_the_stock_back(platform, shop):
    sku, shopper = shop(5), platform.shopper()
    order = final(shopper, place(shopper, [(sku, 2)], "card_declined")["id"])
    assert (order["status"], order["cancelReason"]) == ("ORDER_STATUS_CANCELLED", "CANCEL_REASON_PAYMENT_DECLINED")
    settled_stock(platform, sku, available=5, reserved=0, sold=0)


def test_a_stock_out_takes_no_money(platform, shop):
    sku, shopper = shop(1), platform.shopper()
    order = final(shopper, place(shopper, [(sku, 2)])["id"])
    assert (order["status"], order["cancelReason"]) == ("ORDER_STATUS_CANCELLED", "CANCEL_REASON_OUT_OF_STOCK")
    assert sku in order["cancelDetail"]
    assert shopper.get("/v1/payments", orderId=order["id"]).get("payments", []) == []


def test_a_lost_answer_of_the_provider_is_asked_for_and_charged_once(platform, shop):
    sku, shopper = shop(5, price=300), platform.shopper()
    order = final(shopper, place(shopper, [(sku, 1)], "card_lost_answer")["id"], timeout=60)
    assert order["status"] == "ORDER_STATUS_CONFIRMED"
    assert [p["captured"]["minorUnits"] for p in shopper.get("/v1/payments", orderId=order["id"])["payments"]] == ["300"]


def test_a_failed_capture_is_compensated(platform, shop):
    sku, shopper = shop(5), platform.shopper()
    order = final(shopper, place(shopper, [(sku, 1)], "card_capture_fails")["id"])
    assert (order["status"], order["cancelReason"]) == ("ORDER_STATUS_CANCELLED", "CANCEL_REASON_CAPTURE_FAILED")
    settled_stock(platform, sku, available=5, reserved=0, sold=0)


def test_cancelling_a_confirmed_order_refunds_and_restocks(platform, shop):
    sku, shopper = shop(5, price=700), platform.shopper()
    order = final(shopper, place(shopper, [(sku, 2)])["id"])
    cancelled = shopper.post(f"/v1/orders/{order['id']}:cancel", {"note": "changed my mind"}, key=str(uuid.uuid4()))
    assert cancelled["status"] == "ORDER_STATUS_CANCELLED"
    settled_stock(platform, sku, available=5, sold=0)
    refunded = wait_for(lambda: [p for p in shopper.get("/v1/payments", orderId=order["id"])["payments"] if p["status"] == "PAYMENT_STATUS_REFUNDED"])
    assert refunded[0]["refunded"]["minorUnits"] == "1400"


def test_a_return_refunds_its_lines_once(platform, shop):
    sku, shopper = shop(5, price=100), platform.shopper()
    order = final(shopper, place(shopper, [(sku, 4)])["id"])
    for _ in range(2):
        back = shopper.post(f"/v1/orders/{order['id']}:return", {"lines": [{"sku": sku, "quantity": 3}], "externalReference": "R1"}, key=str(uuid.uuid4()))
        assert back["lines"][0]["returnedQuantity"] == "3"
    settled_stock(platform, sku, available=4, sold=1)
    with pytest.raises(Problem) as refused:
        shopper.post(f"/v1/orders/{order['id']}:return", {"lines": [{"sku": sku, "quantity": 2}]}, key=str(uuid.uuid4()))
    assert refused.value.status in (400, 409)


def test_nothing_is_oversold_when_many_want_the_last(platform, shop):
    sku, shoppers = shop(7), [platform.shopper() for _ in range(4)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(lambda i: (shoppers[i % 4], place(shoppers[i % 4], [(sku, 1)])["id"]), range(24)))
    statuses = [final(client, order)["status"] for client, order in placed]
    assert statuses.count("ORDER_STATUS_CONFIRMED") == 7
    settled_stock(platform, sku, available=0, sold=7, reserved=0)


def test_an_order_is_shown_as_it_was(platform, shop):
    sku, shopper = shop(5), platform.shopper()
    order = final(shopper, place(shopper, [(sku, 1)])["id"])
    assert shopper.get(f"/v1/orders/{order['id']}", asOf="1")["status"] == "ORDER_STATUS_PLACED"
    assert shopper.get(f"/v1/orders/{order['id']}", asOf="2")["status"] == "ORDER_STATUS_RESERVED"
    events = shopper.get(f"/v1/orders/{order['id']}/events")["events"]
    assert shopper.get(f"/v1/orders/{order['id']}", asOf=events[0]["time"])["version"] == "1"


def test_one_trace_shows_the_whole_saga(platform, shop):
    sku, shopper = shop(5), platform.shopper()
    trace = uuid.uuid4().hex
    body = {"lines": [{"sku": sku, "quantity": 1}], "currency": "GBP", "paymentMethod": "card_ok"}
    placed = shopper.post("/v1/orders", body, key=str(uuid.uuid4()), traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    final(shopper, placed["id"])

    def services():
        spans = platform.client().get(f"/v1/traces/{trace}")["spans"]
        seen = {s.get("service") for s in spans}
        return seen if {"gateway", "inventory", "payment", "notification"} <= seen else None
    wait_for(services)
    events = shopper.get(f"/v1/orders/{placed['id']}/events")["events"]
    assert {e.get("traceId") for e in events} == {trace}


def test_verify_holds_after_all_this(platform):
    result = platform.run("verify")
    assert result.code == 0, result.out + result.err
