"""The catalogue over the public API: conditional requests, partial changes, pages, search."""

import json
import subprocess
import uuid

import pytest

from conftest import Problem, wait_for


def read(client, path, **headers):
    return client.session.get(client.url + path, headers={k.replace("_", "-"): v for k, v in headers.items()}, timeout=10)


def test_an_unchanged_product_is_304(platform, shop):
    sku, anyone = shop(0), platform.client()
    first = read(anyone, f"/v1/products/{sku}")
    tag = first.headers["ETag"]
    assert tag == f'"{first.json()["etag"]}"'
    again = read(anyone, f"/v1/products/{sku}", If_None_Match=tag)
    assert again.status_code == 304 and again.content == b"" and again.headers["ETag"] == tag
    assert read(anyone, f"/v1/products/{sku}", If_None_Match=f'W/"x", {tag}').status_code == 304
    assert read(anyone, f"/v1/products/{sku}", If_None_Match='"x"').status_code == 200


def test_a_stale_etag_is_412_and_changes_nothing(platform, shop):
    sku, operator = shop(0), platform.operator()
    tag = read(operator, f"/v1/products/{sku}").headers["ETag"]
    changed = operator.call("PATCH", f"/v1/products/{sku}", {"name": "First"}, {"If-Match": tag}, update_mask="name")
    assert changed["name"] == "First" and f'"{changed["etag"]}"' != tag
    with pytest.raises(Problem) as refused:
        operator.call("PATCH", f"/v1/products/{sku}", {"name": "Second"}, {"If-Match": tag}, update_mask="name")
    assert refused.value.status == 412
    assert operator.get(f"/v1/products/{sku}")["name"] == "First"
    with pytest.raises(Problem) as refused:
        operator.call("DELETE", f"/v1/products/{sku}", headers={"If-Match": tag})
    assert refused.value.status == 412


def test_a_patch_changes_what_its_mask_names_and_no_more(platform, shop):
    sku, operator = shop(0), platform.operator()
    before = operator.get(f"/v1/products/{sku}")
    after = operator.call("PATCH", f"/v1/products/{sku}", {"name": "New", "description": "Not in the mask"}, update_mask="name")
    assert after["name"] == "New" and "description" not in after and after["prices"] == before["prices"]
    without = operator.call("PATCH", f"/v1/products/{sku}", {"description": "Said in the body"})
    assert without["description"] == "Said in the body" and without["name"] == "New"
    assert operator.call("PATCH", f"/v1/products/{sku}", {})["etag"] == without["etag"], "nothing named, nothing changed"
    cleared = operator.call("PATCH", f"/v1/products/{sku}", {}, update_mask="description")
    assert "description" not in cleared
    with pytest.raises(Problem) as refused:
        operator.call("PATCH", f"/v1/products/{sku}", {"name": "x"}, update_mask="nam")
    assert refused.value.status == 400


def test_a_patch_of_everything_replaces_the_product(platform, shop):
    sku, operator = shop(0, description="To be cleared"), platform.operator()
    with pytest.raises(Problem) as refused:
        operator.call("PATCH", f"/v1/products/{sku}", {"name": "Alone"}, update_mask="*")
    assert {v["field"] for v in refused.value.problem["violations"]} >= {"prices"}
    whole = {k: v for k, v in operator.get(f"/v1/products/{sku}").items() if k in ("name", "category", "prices", "onSale")}
    replaced = operator.call("PATCH", f"/v1/products/{sku}", whole, update_mask="*")
    assert "description" not in replaced and {k: replaced[k] for k in whole} == whole


def test_a_change_is_seen_at_once_by_readers(platform, shop):
    """The cache in front is told by the change's event."""
    sku, operator, anyone = shop(0), platform.operator(), platform.client()
    for i in range(5):
        anyone.get(f"/v1/products/{sku}")
        operator.call("PATCH", f"/v1/products/{sku}", {"name": f"Name {i}"}, update_mask="name")
        wait_for(lambda i=i: anyone.get(f"/v1/products/{sku}")["name"] == f"Name {i}", timeout=5)


def test_pages_have_no_gaps_and_no_doubles_while_products_are_added(platform, shop):
    category = "pages-" + uuid.uuid4().hex[:8]
    skus, anyone = {shop(0, category=category) for _ in range(23)}, platform.client()
    seen, token = [], ""
    while True:
        page = anyone.get("/v1/products", category=category, pageSize=5, pageToken=token)
        assert len(page.get("products", [])) <= 5
        seen += [p["sku"] for p in page.get("products", [])]
        shop(0, category=category)
        token = page.get("nextPageToken", "")
        if not token or len(seen) > 200:
            break
    assert len(seen) == len(set(seen)) and skus <= set(seen)


def test_a_page_token_is_good_for_its_list_only(platform):
    anyone = platform.client()
    token = anyone.get("/v1/products", pageSize=1)["nextPageToken"]
    with pytest.raises(Problem) as refused:
        anyone.get("/v1/products", pageSize=1, category="other", pageToken=token)
    assert refused.value.status == 400 and refused.value.problem["violations"][0]["field"] in ("pageToken", "page_token")


def test_search_finds_words_of_name_and_description(platform, shop):
    word = "zyx" + uuid.uuid4().hex[:8]
    a, b = shop(0, name=f"A lantern {word}"), shop(0, description=f"Comes with a {word}")
    anyone = platform.client()
    assert {p["sku"] for p in anyone.get("/v1/products", query=word)["products"]} == {a, b}
    assert {p["sku"] for p in anyone.get("/v1/products", query=f"lantern {word}")["products"]} == {a}


def test_a_product_off_sale_is_hidden_and_not_orderable(platform, shop):
    sku, operator = shop(3), platform.operator()
    operator.call("DELETE", f"/v1/products/{sku}")
    assert sku not in {p["sku"] for p in platform.client().get("/v1/products", query=sku).get("products", [])}
    with pytest.raises(Problem) as refused:
        platform.shopper().post("/v1/orders", {"lines": [{"sku": sku, "quantity": 1}], "currency": "GBP", "paymentMethod": "card_ok"}, key=str(uuid.uuid4()))
    assert refused.value.status == 400


def test_the_price_is_the_catalogues(platform, shop):
    sku, shopper = shop(3, price=450), platform.shopper()
    placed = shopper.post("/v1/orders", {"lines": [{"sku": sku, "quantity": 2}], "currency": "GBP", "paymentMethod": "card_ok"}, key=str(uuid.uuid4()))
    assert placed["total"] == {"currency": "GBP", "minorUnits": "900"}
    with pytest.raises(Problem) as refused:  # no price in it
        shopper.post("/v1/orders", {"lines": [{"sku": sku, "quantity": 2}], "currency": "JPY", "paymentMethod": "card_ok"}, key=str(uuid.uuid4()))
    assert refused.value.status == 400


def importing(client, lines, **headers):
    """An upload whose length nobody knows beforehand: in chunks, as the lines are made."""
    return client.session.post(client.url + "/v1/products:import", data=(line.encode() for line in lines), timeout=60,
                               headers={"Content-Type": "application/x-ndjson", **headers})


def product_line(sku, **more):
    return json.dumps({"sku": sku, "name": "Imported", "prices": [{"currency": "GBP", "minorUnits": "100"}], "onSale": True, **more}) + "\n"


def test_a_catalogue_is_imported_as_it_arrives(platform):
    operator, prefix = platform.operator(), "IMP-" + uuid.uuid4().hex[:8]
    lines = [product_line(f"{prefix}-{i}", description="x" * 1000) for i in range(5_000)]  # more than http.max_body
    lines[41] = '{"sku":"' + prefix + '-41","name":""}\n'
    lines[4_999] = "{not JSON"
    first = importing(operator, lines)
    assert first.status_code == 200, first.text
    done = first.json()
    assert (done["created"], done["refused"]) == ("4998", "2")
    assert [(r["line"], r["reason"]) for r in done["refusedLines"]] == [("42", "INVALID_ARGUMENT"), ("5000", "MALFORMED_JSON")]
    assert {v["field"] for v in done["refusedLines"][0]["violations"]} == {"name", "prices"}
    assert operator.get(f"/v1/products/{prefix}-4998")["name"] == "Imported"
    assert importing(operator, lines).json()["unchanged"] == "4998", "sent again it changes nothing"


def test_who_may_not_import_need_not_send(platform):
    for client, status in ((platform.client(), 401), (platform.shopper(), 403)):
        refused = importing(client, [product_line("NEVER-1")])
        assert refused.status_code == status and "json" in refused.headers["Content-Type"]
    assert importing(platform.operator(), [product_line("NEVER-1")], **{"Content-Type": "application/json"}).status_code == 415
    assert importing(platform.operator(), []).json() == {}
    # curl waits for the invitation, which does not come: not a byte of the body goes over the wire.
    sent = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_upload}", "-H", "Expect: 100-continue", "-H", "Content-Type: application/x-ndjson",
                           "--expect100-timeout", "20", "--data-binary", "@-", platform.url + "/v1/products:import"],
                          input=product_line("NEVER-1") * 10_000, capture_output=True, text=True, timeout=60, check=True).stdout
    assert sent == "401 0"


def test_an_import_that_is_too_large_is_413(own_platform):
    p = own_platform("http.max_stream=100KB").start()
    refused = importing(p.operator(), (product_line(f"BIG-{i}") for i in range(100_000)))
    assert refused.status_code == 413
