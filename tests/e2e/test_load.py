"""`load`: what it sends is served, and what it says of it is so."""

import json
import xml.etree.ElementTree

import pytest


def load(platform, *arguments):
    done = platform.run("load", *arguments, "--json", "--warm-up", "0s")
    return done.code, json.loads(done.out) if done.out else None, done.err


def test_the_journey_ends_with_orders_that_are_final(platform, tmp_path):
    picture = tmp_path / "journey.svg"
    code, found, _ = load(platform, "journey", "--arrivals", "12", "--rate", "10", "--for", "10s", "--shoppers", "2", "--svg", str(picture))
    assert code == 0 and found["failed"] == 0, found
    steps = {name: call["answered"] for name, call in found["calls"].items()}
    assert steps["journey"] == steps["journey/place"] == steps["journey/placed to final"] == steps["journey/events"] == 12
    assert steps["journey/read-order"] >= 12
    xml.etree.ElementTree.parse(picture)


def test_the_ten_common_calls_are_all_answered(platform):
    code, found, _ = load(platform, "calls", "--arrivals", "200", "--rate", "100", "--shoppers", "2")
    assert code == 0 and found["failed"] == 0, found
    assert found["answered"] == 200 and found["rate"] == 100 and set(found["latency_us"]) == {"mean", "p50", "p90", "p99", "p999", "max"}


def test_what_is_refused_is_counted_by_kind_and_fails_the_run(platform, tmp_path):
    scenario = tmp_path / "mine.yaml"
    scenario.write_text("callers: 1\nduration: 5s\ncalls:\n  gone: {target: /v1/orders/none, as: anyone}\n")
    code, found, _ = load(platform, str(scenario), "--arrivals", "3")
    assert code == 1 and sum(found["errors"].values()) == 3 and all(e.startswith("401 ") for e in found["errors"]), found
    assert load(platform, str(scenario), "--arrivals", "3", "--max-errors", "100")[0] == 1, "nothing was answered well"


@pytest.mark.parametrize("arguments,said", [
    (("--url", "http://shop.example:8080"), "--allow-remote"), (("--url", "shop.example"), "http://"), (("--url", "http://127.0.0.1:0"), "port"),
    (("dance",), "no scenario dance built in"), (("--for", "soon"), "such as 500ms"), (("--print", "dance"), "--list"), (("--svg", "/no/such/place.svg"), "cannot be written"),
])
def test_wrong_use_says_what_would_be_right(platform, arguments, said):
    done = platform.run("load", *arguments)
    assert done.code == 2 and said in done.err, done


def test_it_needs_a_platform(platform, tmp_path):
    platform_elsewhere = type(platform)(tmp_path / "none")
    assert platform_elsewhere.run("load").code == 3
    printed = platform_elsewhere.run("load", "--print", "calls")
    assert printed.code == 0 and "read-product: 40" in printed.out
