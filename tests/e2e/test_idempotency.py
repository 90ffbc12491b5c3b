"""The same request twice is one effect."""

import concurrent.futures
import uuid

import pytest

from conftest import Problem, place, wait_for


def orders_of(shopper):
    """The list is a read model: it follows the events a moment later."""
    return wait_for(lambda: shopper.get("/v1/orders").get("orders"))


def test_a_repeat_gets_the_first_answer(platform, shop):
    sku, shopper, key = shop(10), platform.shopper(), str(uuid.uuid4())
    first = place(shopper, [(sku, 1)], key=key)
    again = place(shopper, [(sku, 1)], key=key)
    assert again["id"] == first["id"]
    assert len(orders_of(shopper)) == 1


def test_another_body_under_the_key_is_refused(platform, shop):
    sku, shopper, key = shop(10), platform.shopper(), str(uuid.uuid4())
    place(shopper, [(sku, 1)], key=key)
    with pytest.raises(Problem) as refused:
        place(shopper, [(sku, 2)], key=key)
    assert refused.value.status == 422


def test_many_at_once_place_one_order(platform, shop):
    sku, shopper, key = shop(10), platform.shopper(), str(uuid.uuid4())

    def attempt(_):
        try:
            return place(shopper, [(sku, 1)], key=key)["id"]
        except Problem as p:
            assert p.status == 409
            return None
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        ids = {i for i in pool.map(attempt, range(16)) if i}
    assert len(ids) == 1
    assert len(orders_of(shopper)) == 1


def test_keys_of_two_callers_do_not_meet(platform, shop):
    sku, key = shop(10), str(uuid.uuid4())
    a, b = platform.shopper(), platform.shopper()
    assert place(a, [(sku, 1)], key=key)["id"] != place(b, [(sku, 1)], key=key)["id"]


def test_an_external_reference_is_placed_once(platform, shop):
    sku, importer, shopper = shop(10), platform.importer(), platform.shopper()
    placed = place(importer, [(sku, 1)], customerId=shopper.id, externalReference="INV-1")
    with pytest.raises(Problem) as refused:
        place(importer, [(sku, 1)], customerId=shopper.id, externalReference="INV-1")
    assert refused.value.problem["reason"] == "EXTERNAL_REFERENCE_TAKEN"
    assert placed["id"] in refused.value.problem["detail"]
