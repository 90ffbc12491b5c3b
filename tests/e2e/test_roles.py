"""The platform as a process for each service: the same API, one order as one tree over processes, trust only among its own."""

import concurrent.futures
import contextlib
import json
import os
import signal
import subprocess
import time
import uuid

import grpc
import pytest
import requests

from conftest import BINARY, Problem, alive, final, free_port, place, platforms, wait_for

ROLES = {"audit", "identity", "product", "inventory", "payment", "order", "notification", "gateway"}


@pytest.fixture(scope="module")
def many():
    with platforms() as make:
        yield make("profile=full").start(timeout=120)


def roles(p):
    """Processes by role."""
    out = {}
    for one in json.loads((p.folder / "roles.json").read_text())["processes"]:
        out.setdefault(one["role"], []).append(one)
    return out


def the_only(p, role):
    [one] = roles(p)[role]
    return one


def make_article(p, stock=50):
    sku, operator = "R-" + uuid.uuid4().hex[:12], p.operator()
    operator.post("/v1/products", {"sku": sku, "name": f"Article {sku}", "prices": [{"currency": "GBP", "minorUnits": 400}], "onSale": True})
    operator.post(f"/v1/stock/{sku}:receive", {"quantity": stock, "reference": "first " + sku})
    return sku


@contextlib.contextmanager
def frozen(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # the supervisor ends one that stands still for too long
            os.kill(pid, signal.SIGCONT)


def test_each_role_is_a_process_of_its_own_and_says_that_it_is_well(many):
    assert set(roles(many)) == ROLES
    pids = [p["pid"] for some in roles(many).values() for p in some]
    assert len(set(pids)) == len(ROLES) and all(alive(pid) for pid in pids)
    status = many.operator().get("/v1/platform/status")
    assert status["ready"] is True
    assert {p["role"] for p in status["processes"]} == ROLES - {"gateway"}
    assert {m["name"] for m in status["modules"]} >= ROLES - {"gateway", "order"} | {"orders", "trust"}
    assert "orders-saga" in {g["group"] for g in status["groups"]}
    shown = many.run("status")
    assert shown.code == 0, shown.out + shown.err
    assert all(role in shown.out for role in ROLES)


def test_an_order_goes_through_all_processes_and_is_one_trace(many):
    sku, shopper, key = make_article(many), many.shopper(), str(uuid.uuid4())
    placed = place(shopper, [(sku, 2)], key=key)
    order = final(shopper, placed["id"])
    assert order["status"] == "ORDER_STATUS_CONFIRMED"
    assert place(shopper, [(sku, 2)], key=key)["id"] == placed["id"]
    wait_for(lambda: [n for n in shopper.get("/v1/notifications").get("notifications", []) if n["orderId"] == order["id"]])
    operator = many.operator()
    trail = operator.get("/v1/auditEntries", table="orders.events", pageSize=500)["entries"]
    trace_id = next(e["traceId"] for e in trail if e["rowKey"].startswith(order["id"]) and e["actor"] == f"user:{shopper.id}")
    wanted = {"orders", "product", "inventory", "payment"}

    def tree():
        spans = operator.get(f"/v1/traces/{trace_id}")["spans"]
        return spans if wanted <= {s.get("service") for s in spans} else None

    spans = wait_for(tree, 10)
    assert sum(1 for s in spans if s["depth"] == 0) == 1, "every span of every process hangs below the request"
    many.verified()


def test_operations_reach_the_process_that_owns_the_matter(many):
    operator = many.operator()
    assert operator.get("/v1/platform/deadLetters").get("deadLetters", []) == []
    assert operator.get("/v1/platform/fieldKeys")["keys"][-1]["current"] is True
    assert int(operator.post("/v1/platform/projections:rebuild")["orders"]) >= 0
    with pytest.raises(Problem) as unknown:
        operator.post("/v1/platform/deadLetters:replay", {"group": "no-such-group"})
    assert unknown.value.problem["reason"] == "UNKNOWN_GROUP"
    shopper = many.shopper()
    operator.post("/v1/platform/keys:rotate")
    shopper.get("/v1/accounts/me")
    assert many.again(shopper).get("/v1/accounts/me")["id"] == shopper.id, "a token under a key that the gateway has to ask for"


def test_routes_beside_the_contracts_are_passed_on(many):
    assert requests.get(many.url + "/.well-known/jwks.json", timeout=10).json()["keys"]
    made = many.operator().post("/v1/apiKeys", {"label": "a program", "roles": ["stock_manager"]})
    answer = requests.post(many.url + "/oauth2/token", data={"grant_type": "client_credentials"}, auth=(made["apiKey"]["id"], made["secret"]), timeout=10)
    assert answer.status_code == 200, answer.text
    assert many.client(token=answer.json()["access_token"]).get("/v1/stock", pageSize=1) is not None
    lines = "".join(json.dumps({"product": {"sku": "I-" + uuid.uuid4().hex[:10], "name": "Imported", "prices": [{"currency": "GBP", "minorUnits": "100"}]}}) + "\n" for _ in range(3))
    answer = requests.post(many.url + "/v1/products:import", data=lines, headers={"X-Api-Key": many.secret("dev.operator.api_key"), "Content-Type": "application/x-ndjson"}, timeout=30)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("credential", [None, "service;00000000-0000-0000-0000-000000000000;;"])
def test_a_local_program_cannot_pose_as_a_service(many, credential):
    port = the_only(many, "order")["port"]
    headers = {"BV-Caller": credential} if credential else {}
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        for path in "/bitvelocity.commerce.order.v1.OrderService/ListOrders", "/no.such.Service/Method":
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary(path)(b"", timeout=10, metadata=[("bv-caller", credential)] if credential else [])
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert requests.get(f"http://127.0.0.1:{port}/internal/spans", headers=headers, timeout=10).status_code == 401
    assert requests.get(f"http://127.0.0.1:{port}/readyz", timeout=10).status_code == 200
    assert "bv_" in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text


def test_what_is_revoked_elsewhere_is_refused_at_the_edge_soon(many):
    shopper = many.shopper()
    shopper.get("/v1/accounts/me")
    shopper.post("/v1/sessions:logOut", {"refreshToken": shopper.refresh})

    def refused():
        try:
            shopper.get("/v1/accounts/me")
        except Problem as e:
            return e.status == 401
        return False
    wait_for(refused, 15)


def test_without_identity_known_callers_go_on_and_unknown_ones_are_told(many):
    sku, shopper, operator = make_article(many), many.shopper(), many.operator()
    shopper.get("/v1/products/" + sku)
    created = operator.post("/v1/apiKeys", {"label": "late", "roles": ["customer"]})
    secret = next(v for k, v in created.items() if isinstance(v, str) and k != "id")
    operator.get("/v1/platform/status")
    with frozen(the_only(many, "identity")["pid"]):
        assert shopper.get("/v1/products/" + sku)["sku"] == sku
        assert final(shopper, place(shopper, [(sku, 1)])["id"])["status"] == "ORDER_STATUS_CONFIRMED"
        with pytest.raises(Problem) as away:
            many.client(api_key=secret).get("/v1/products/" + sku)
        assert (away.value.status, away.value.problem["reason"]) == (503, "IDENTITY_UNAVAILABLE")
    wait_for(lambda: all(p["ready"] for p in roles(many)["identity"]), 30)
    many.client(api_key=secret).get("/v1/products/" + sku)


def test_a_role_that_is_killed_is_started_again_and_told_of(many):
    before = the_only(many, "payment")
    os.kill(before["pid"], signal.SIGKILL)
    after = wait_for(lambda: (one := the_only(many, "payment"))["pid"] not in (0, before["pid"]) and one["ready"] and one, 60)
    assert after["restarts"] == before["restarts"] + 1
    sku, shopper = make_article(many), many.shopper()
    assert final(shopper, place(shopper, [(sku, 1)])["id"])["status"] == "ORDER_STATUS_CONFIRMED"


def test_a_directory_that_cannot_be_written_ends_nothing(many):
    """A full disk, as the supervisor sees it: it cannot say who runs where."""
    blocked, killed = many.folder / "roles.json.new", the_only(many, "audit")["pid"]
    blocked.mkdir()
    try:
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: "stack.tend_failed" in (many.folder / "log/platform.log").read_text(), 30)
    finally:
        blocked.rmdir()
    wait_for(lambda: (one := the_only(many, "audit"))["ready"] and one["pid"] != killed, 60)


def test_a_restart_leaves_no_gap(many):
    sku, shopper = make_article(many), many.shopper()
    before = {role: the_only(many, role)["pid"] for role in ("product", "gateway")}
    for role in before:
        done = many.run("restart", role)
        assert done.code == 0, done.err
        assert shopper.get("/v1/products/" + sku)["sku"] == sku
        assert the_only(many, role)["pid"] != before[role] and not alive(before[role])


def test_a_role_runs_in_as_many_processes_as_asked_for(many):
    done = many.run("scale", "order=3")
    assert done.code == 0, done.err
    assert len(roles(many)["order"]) == 3
    sku, shopper = make_article(many), many.shopper()
    placed = [place(shopper, [(sku, 1)])["id"] for _ in range(12)]
    os.kill(roles(many)["order"][0]["pid"], signal.SIGKILL)
    assert {final(shopper, o, timeout=60)["status"] for o in placed} == {"ORDER_STATUS_CONFIRMED"}
    assert many.run("scale", "order=1").code == 0
    assert len(roles(many)["order"]) == 1
    many.verified()


def test_a_price_changed_at_one_instance_is_soon_seen_at_all(many):
    assert many.run("scale", "product=2").code == 0
    sku, anyone, operator = make_article(many), many.client(), many.operator()

    def prices():
        return {anyone.get("/v1/products/" + sku)["prices"][0]["minorUnits"] for _ in range(8)}  # calls go round the instances
    assert prices() == {"400"}
    for price in "401", "402", "403":
        operator.call("PATCH", f"/v1/products/{sku}", {"prices": [{"currency": "GBP", "minorUnits": price}]}, update_mask="prices")
        wait_for(lambda: prices() == {price}, 5)  # noqa: B023
    assert many.run("scale", "product=1").code == 0


def test_status_without_a_gateway_says_what_the_supervisor_knows(many):
    gateway = the_only(many, "gateway")
    with frozen(gateway["pid"]):
        wait_for(lambda: the_only(many, "gateway")["state"] != "ready", 20)
        shown = many.run("status")
    assert shown.code == 1
    assert "gateway is down: " in shown.out and " since 20" in shown.out and "bv logs gateway" in shown.out
    assert all(role in shown.out for role in ROLES)
    wait_for(lambda: the_only(many, "gateway")["ready"], 60)
    assert many.run("status").code == 0


def test_others_are_looked_after_while_a_command_waits(many):
    before = the_only(many, "audit")["pid"]
    with frozen(the_only(many, "product")["pid"]):
        command = subprocess.Popen([BINARY, "restart", "product", "--data-dir", str(many.folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: any(p["state"] == "draining" for p in roles(many)["product"]), 60)
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: (one := the_only(many, "audit"))["ready"] and one["pid"] != before, 20)
        assert command.poll() is None, "the old process still stands still"
    assert command.wait(60) == 0


def test_commands_for_roles_say_what_is_wrong(many, platform):
    assert many.run("restart", "ordr").err.strip().endswith("did you mean order?; bv roles lists them")
    assert many.run("scale", "order").code == 2
    assert many.run("scale", "order=0").code == 2
    assert "one process" in platform.run("restart", "order").err
    listed = many.run("roles", "--print-graph")
    assert listed.code == 0 and "all others" in listed.out


def test_a_role_that_dies_while_the_platform_starts_is_tried_again(own_platform):
    p = own_platform("profile=full")

    def kill():
        one = wait_for(lambda: next((o for o in p.processes() if o["role"] == "product" and o["pid"] and not o["ready"]), None), 120, every=0.002)
        os.kill(one["pid"], signal.SIGKILL)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        killing = pool.submit(kill)
        p.start(timeout=120)
        killing.result()
    assert the_only(p, "product")["restarts"] == 1


def test_everything_ends_with_the_supervisor_and_the_next_start_goes_on(own_platform):
    p = own_platform("profile=full", f"http.port={free_port()}").start(timeout=120)
    sku, shopper = make_article(p), p.shopper()
    order = place(shopper, [(sku, 1)])["id"]
    pids = [one["pid"] for some in roles(p).values() for one in some]
    p.kill()
    wait_for(lambda: not any(alive(pid) for pid in pids), 40)
    p.start(timeout=120)
    assert final(shopper, order, timeout=60)["status"] == "ORDER_STATUS_CONFIRMED"
    p.verified()
    pids = [one["pid"] for some in roles(p).values() for one in some]
    begun = time.monotonic()
    p.stop()
    assert time.monotonic() - begun < 40
    assert not any(alive(pid) for pid in pids) and not (p.folder / "roles.json").exists()
