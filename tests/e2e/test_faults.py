"""Processes are killed in the middle; nothing acknowledged is lost, nothing is done twice."""

import os
import signal
import subprocess
import threading
import time
import uuid

import pytest
import requests

from conftest import BINARY, RETAIL, Problem, alive, final, free_port, place, wait_for


def test_ctrl_c_leaves_no_process_behind(own_platform):
    p = own_platform().start()
    state = p.state()
    assert alive(state["postgres_pid"]) and alive(state["provider_pid"])
    p.process.send_signal(signal.SIGINT)
    assert p.process.wait(30) == 0
    assert not alive(state["postgres_pid"]) and not alive(state["provider_pid"])
    assert p.state() == {}


def test_a_second_up_says_that_one_runs(own_platform):
    p = own_platform().start()
    second = p.run("up", "--port", "0")
    assert second.code == 3 and p.url in second.err


def test_a_taken_port_is_named(own_platform, platform):
    taken = platform.url.rsplit(":", 1)[1]
    p = own_platform()
    result = p.run("up", "--port", taken)
    assert result.code == 1 and taken in result.err and "--port" in result.err
    assert p.state() == {} or not alive(p.state().get("postgres_pid", 0))


def test_a_killed_platform_is_cleaned_up_by_the_next_start(own_platform):
    p = own_platform().start()
    shopper = p.shopper()
    before = p.state()
    p.kill()
    p.start()
    after = p.state()
    assert after["postgres_pid"] != before["postgres_pid"] and not alive(before["postgres_pid"])
    wait_for(lambda: not alive(before["provider_pid"]))
    assert p.client().post("/v1/sessions", {"email": shopper.email, "password": shopper.password})["accessToken"]


def test_down_stops_what_a_killed_platform_left(own_platform):
    p = own_platform().start()
    state = p.state()
    p.kill()
    assert p.run("down").code == 0
    wait_for(lambda: not alive(state["postgres_pid"]))


def test_orders_survive_a_kill_of_the_platform(own_platform):
    p = own_platform().start()
    shopper, sku = p.shopper(), p.client().get("/v1/products", pageSize=1)["products"][0]["sku"]
    placed = [place(shopper, [(sku, 1)])["id"] for _ in range(10)]
    p.kill()
    p.start()
    shopper = p.again(shopper)
    assert {final(shopper, order)["status"] for order in placed} == {"ORDER_STATUS_CONFIRMED"}
    p.verified()


def test_orders_survive_a_kill_of_the_database(own_platform):
    p = own_platform().start()
    shopper, sku = p.shopper(), p.client().get("/v1/products", pageSize=1)["products"][0]["sku"]
    acknowledged, first = [], p.state()["postgres_pid"]
    for i in range(60):
        if i == 20:
            os.kill(first, signal.SIGKILL)
        key = str(uuid.uuid4())
        for _ in range(450):  # a claim on the key that died with the database is free again after 35 s
            try:
                acknowledged.append(place(shopper, [(sku, 1)], key=key)["id"])
                break
            except (Problem, requests.ConnectionError) as e:
                assert not isinstance(e, Problem) or e.status in (409, 500, 503, 504), e
                time.sleep(0.1)
    assert len(set(acknowledged)) == 60
    assert p.state()["postgres_pid"] != first
    wait_for(lambda: all(final(shopper, o)["status"] in ("ORDER_STATUS_CONFIRMED", "ORDER_STATUS_CANCELLED") for o in acknowledged), 60)
    p.verified()


def test_a_provider_that_dies_is_started_again_and_charges_once(own_platform):
    p = own_platform().start()
    shopper, sku = p.shopper(), p.client().get("/v1/products", pageSize=1)["products"][0]["sku"]
    orders = [place(shopper, [(sku, 1)])["id"] for _ in range(5)]
    os.kill(p.state()["provider_pid"], signal.SIGKILL)
    orders += [place(shopper, [(sku, 1)])["id"] for _ in range(5)]
    for order in orders:
        assert final(shopper, order, 60)["status"] == "ORDER_STATUS_CONFIRMED"
    p.verified()


@pytest.mark.skipif(not RETAIL.exists(), reason="the real file online-retail.csv.xz is not here")
def test_a_replay_killed_in_the_middle_goes_on_without_doubling(own_platform):
    p = own_platform(f"http.port={free_port()}").start()
    replay = subprocess.Popen([BINARY, "replay", str(RETAIL), "--limit", "400", "--no-verify", "--data-dir", str(p.folder)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    operator = p.operator()
    wait_for(lambda: len(operator.get("/v1/orders", pageSize=200).get("orders", [])) >= 50, 120)
    p.kill()
    p.start()
    out, _ = replay.communicate(timeout=300)
    assert replay.returncode == 0, out
    again = p.run("replay", str(RETAIL), "--limit", "400")
    assert again.code == 0, again.out + again.err


def test_a_stop_under_load_loses_nothing_acknowledged(own_platform):
    p = own_platform().start()
    sku = p.client().get("/v1/products", pageSize=1)["products"][0]["sku"]
    shoppers, acknowledged, stopping = [p.shopper() for _ in range(4)], [], threading.Event()

    def shop(shopper):
        while not stopping.is_set():
            try:
                acknowledged.append((shopper, place(shopper, [(sku, 1)])["id"]))
            except (Problem, requests.RequestException):
                if not stopping.is_set():
                    time.sleep(0.02)

    threads = [threading.Thread(target=shop, args=(s,)) for s in shoppers]
    for t in threads:
        t.start()
    wait_for(lambda: len(acknowledged) >= 40)
    p.process.send_signal(signal.SIGTERM)
    assert p.process.wait(60) == 0
    stopping.set()
    for t in threads:
        t.join()
    p.start()
    back = {s.id: p.again(s) for s in shoppers}
    for shopper, order in [(back[s.id], order) for s, order in acknowledged]:
        assert final(shopper, order, 60)["status"] in ("ORDER_STATUS_CONFIRMED", "ORDER_STATUS_CANCELLED")
    p.verified()


@pytest.mark.parametrize("after", [0.05, 0.6])
def test_a_power_cut_of_everything(own_platform, after):
    """The platform, its database and its provider at once, as when the machine stops."""
    p = own_platform().start()
    shopper, sku = p.shopper(), p.client().get("/v1/products", pageSize=1)["products"][0]["sku"]
    placed = [place(shopper, [(sku, 1)])["id"] for _ in range(15)]
    time.sleep(after)
    state = p.state()
    for pid in (state["postgres_pid"], state["provider_pid"]):
        os.kill(pid, signal.SIGKILL)
    p.kill()
    p.start()
    shopper = p.again(shopper)
    assert {final(shopper, order, 60)["status"] for order in placed} == {"ORDER_STATUS_CONFIRMED"}
    p.verified()
