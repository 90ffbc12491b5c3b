"""Redis beside the platform: shared by its processes, and done without while it is away."""

import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import signal
import threading
import uuid

import pytest
import requests

from conftest import Problem, alive, final, place, platforms, wait_for

pytestmark = pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed")


@pytest.fixture(scope="module")
def one():
    with platforms() as make:
        yield make("stack.with=redis").start()


@pytest.fixture(scope="module")
def many():
    with platforms() as make:
        yield make("profile=full", "stack.with=redis", "limits.user_per_minute=40").start(timeout=120)


def make_article(p, price=400, stock=0):
    sku, operator = "R-" + uuid.uuid4().hex[:12], p.operator()
    operator.post("/v1/products", {"sku": sku, "name": f"Article {sku}", "prices": [{"currency": "GBP", "minorUnits": price}], "onSale": True})
    if stock:
        operator.post(f"/v1/stock/{sku}:receive", {"quantity": stock, "reference": "first " + sku})
    return sku


def set_price(operator, sku, price):
    operator.call("PATCH", f"/v1/products/{sku}", {"prices": [{"currency": "GBP", "minorUnits": price}]})


def price_of(client, sku):
    return int(client.get(f"/v1/products/{sku}")["prices"][0]["minorUnits"])


def metric(url, name):
    """The sum of its series."""
    text = requests.get(url + "/metrics", timeout=10).text
    return sum(float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))


def processes(p, role):
    return [f"http://127.0.0.1:{one['port']}" for one in json.loads((p.folder / "roles.json").read_text())["processes"] if one["role"] == role]


def redis_health(p):
    return {m["name"]: m.get("reason", "") for m in p.operator().get("/v1/platform/status")["modules"]}["redis"]


@contextlib.contextmanager
def frozen(p):
    pid = p.state()["redis_pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def customers(p):
    """Shoppers and an editor at work until the end: whoever changes a price reads it, and a repeated order is one order. Gives what they count."""
    skus = [make_article(p, stock=10_000) for _ in range(3)]
    done, counted = threading.Event(), {"reads": 0, "changes": 0, "orders": 0}

    def edit(sku, client):
        for price in range(500, 1_000_000):
            if done.is_set():
                return
            set_price(client, sku, price)
            assert price_of(client, sku) == price
            counted["changes"] += 1

    def read(client):
        while not done.is_set():
            assert len(client.get("/v1/products:batchGet", skus=[*skus, "R-none"])["products"]) == len(skus)
            counted["reads"] += 1

    def order(shopper):
        while not done.is_set():
            key = str(uuid.uuid4())
            first = place(shopper, [(skus[0], 1)], key=key)["id"]
            assert place(shopper, [(skus[0], 1)], key=key)["id"] == first
            with pytest.raises(Problem) as other:
                place(shopper, [(skus[0], 2)], key=key)
            assert other.value.status == 422
            counted["orders"] += 1

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        work = [pool.submit(edit, skus[1], p.operator()), pool.submit(read, p.client()), pool.submit(read, p.operator()), pool.submit(order, p.shopper())]
        try:
            yield counted
        finally:
            done.set()
            for w in work:
                w.result()


def grows(counted, by=3):
    """Everyone gets on with their work."""
    before = dict(counted)
    wait_for(lambda: all(counted[k] >= before[k] + by for k in counted), timeout=60)


def test_the_platform_starts_a_redis_and_says_that_it_is_well(one):
    assert alive(one.state()["redis_pid"])
    assert redis_health(one) == ""
    shown = one.run("status")
    assert shown.code == 0 and re.search(r"^redis +\d+ +socket", shown.out, re.MULTILINE), shown.out


def test_reset_leaves_nothing_of_it(own_platform):
    p = own_platform("stack.with=redis").start()
    p.stop()
    assert p.run("reset", "--yes").code == 0
    assert [f.name for f in p.folder.iterdir()] == ["up.out"], "which is this test's"


def test_an_extra_that_there_is_not_is_refused(one):
    done = one.run("up", "--with", "redsi")
    assert done.code == 2 and 'there is no "redsi"' in done.err
    done = one.run("up", "--set", "redis.endpoints=nowhere")
    assert done.code == 2 and "redis.endpoints" in done.err


def test_a_repeat_is_answered_from_redis(one):
    sku, shopper, key = make_article(one, stock=5), one.shopper(), str(uuid.uuid4())
    before = metric(one.url, "bv_idempotency_early_answers_total")
    placed = place(shopper, [(sku, 1)], key=key)
    assert place(shopper, [(sku, 1)], key=key)["id"] == placed["id"]
    assert metric(one.url, "bv_idempotency_early_answers_total") == before + 1
    assert final(shopper, placed["id"])["status"] == "ORDER_STATUS_CONFIRMED"


def test_customers_notice_nothing_while_it_dies_freezes_and_returns(one):
    with customers(one) as counted:
        grows(counted)
        killed = one.state()["redis_pid"]
        os.kill(killed, signal.SIGKILL)
        grows(counted)
        wait_for(lambda: one.state()["redis_pid"] != killed and redis_health(one) == "")
        grows(counted)
        with frozen(one):
            wait_for(lambda: redis_health(one) == "away; slower")
            grows(counted)
            ready = requests.get(one.url + "/readyz", timeout=10)
            assert (ready.status_code, ready.text) == (200, "ready\nredis: away; slower\n")
            shown = one.run("status")
            assert shown.code == 0 and re.search(r"^redis +away; slower$", shown.out, re.MULTILINE), shown.out
        wait_for(lambda: redis_health(one) == "")
        before = metric(one.url, "bv_redis_commands_total")
        wait_for(lambda: metric(one.url, "bv_redis_commands_total") > before + 10)
        grows(counted)
    one.verified()


def test_a_price_changed_while_it_is_away_is_not_the_old_one_when_it_is_back(one):
    sku, operator = make_article(one, 400), one.operator()
    assert price_of(operator, sku) == 400
    with frozen(one):
        set_price(operator, sku, 401)
        assert price_of(operator, sku) == 401
    wait_for(lambda: metric(one.url, "bv_cache_second_level_owed") == 0)
    assert price_of(operator, sku) == 401


def test_processes_of_the_catalogue_load_a_product_once(many):
    assert many.run("scale", "product=2").code == 0
    both, operator = processes(many, "product"), many.operator()

    def found(word):
        return [metric(p, f"bv_cache_second_level_{word}_total") for p in both]

    def is_loaded_once():
        """Of a new product; false when its event, which drops it once more, came in between."""
        sku = make_article(many)
        wait_for(lambda: all(metric(p, "bv_cache_second_level_owed") == 0 for p in both))
        misses, hits = found("misses"), found("hits")

        def both_have_read_it():
            assert price_of(operator, sku) == 400
            return all(h + m > before for h, m, before in zip(found("hits"), found("misses"), map(sum, zip(misses, hits))))
        wait_for(both_have_read_it)
        return sum(found("misses")) == sum(misses) + 1 and sum(found("hits")) == sum(hits) + 1 and sku
    sku = wait_for(is_loaded_once)
    # Both hold it in memory now, and both forget it when one of them changes it.
    set_price(operator, sku, 401)
    wait_for(lambda: {price_of(operator, sku) for _ in range(20)} == {401}, timeout=10)


def test_gateways_limit_a_caller_together(many):
    assert many.run("scale", "gateway=2").code == 0
    gateways, shopper = processes(many, "gateway"), many.shopper()
    headers = {"Authorization": shopper.session.headers["Authorization"]}
    before = [metric(g, "bv_http_requests_total") for g in gateways]
    # A connection for each, which the kernel gives to either.
    answers = [requests.get(many.url + "/v1/orders", headers=headers, timeout=30).status_code for _ in range(80)]
    assert set(answers) == {200, 429}
    assert all(metric(g, "bv_http_requests_total") > b + 10 for g, b in zip(gateways, before)), "one gateway answered nearly all"
    assert 40 <= answers.count(200) <= 55  # forty, and what came back meanwhile: two in three seconds
