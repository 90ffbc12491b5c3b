"""A process for each service and everything that watches it: one order is one trace, every process is scraped, logs are found."""

import json
import os
import re
import signal

import pytest
import requests
import yaml
from servers import INFRA
from stack import EVERYTHING, Tree, base, in_console, in_jaeger, is_event, is_grpc, is_sql, needs_jaeger, ordered, prometheus, servers, settled, with_observability

from conftest import alive, final, place, platforms, wait_for
from tables import DASHBOARDS  # of infra/observability

ROLES = {"audit", "identity", "product", "inventory", "payment", "order", "notification", "gateway"}
SERIES = re.compile(r"\b(bv:\w+:\w+|bv_\w+|telemetry_\w+|process_\w+|spans_\w+|otelcol_\w+|up)\b")


@pytest.fixture(scope="module")
def watched():
    with platforms() as make:
        yield make("profile=full", "log.level=debug", *with_observability("redis")).start()


def names_of(expression):
    return set(SERIES.findall(re.sub(r'"[^"]*"|\{\{.*?\}\}', "", expression)))


def test_all_of_them_run_and_status_shows_them(watched):
    assert set(servers(watched)) | {"jaeger"} == set(EVERYTHING)
    shown = watched.run("status")
    assert shown.code == 0 and all(re.search(rf"^{name} +\d+ +\d+ ", shown.out, re.MULTILINE) for name in servers(watched)), shown.out
    for name, server in servers(watched).items():
        assert alive(server["pid"]), name
        assert (watched.folder / "log" / f"{name}.log").exists()


@pytest.mark.parametrize("shown_by", [in_console, in_jaeger])
def test_one_order_is_one_trace_over_all_processes(watched, shown_by):
    if shown_by is in_jaeger:
        needs_jaeger()
    trace, above = ordered(watched)
    tree = Tree(settled(lambda: shown_by(watched, trace)))
    assert (tree.root["parent"], tree.root["service"], tree.root["kind"], tree.root["tags"]["http.route"]) == (above, "gateway", "server", "/v1/orders")
    tree.has(is_grpc, service="gateway", kind="client")                                   # HTTP to gRPC
    tree.has(is_grpc, under=lambda s: s["kind"] == "client", service="order", kind="server")  # the called process, below the call
    tree.has(is_sql, under=is_grpc, kind="client")                                    # its SQL
    for service in ("inventory", "payment", "notification"):                          # events, in processes of their own
        tree.has(is_event, service=service, kind="consumer")
    tree.has(is_sql, under=is_event)                                                  # what they do, below the event
    tree.has(lambda s: s["name"].startswith("payment provider"), service="payment", kind="client")


def test_jaeger_and_the_console_tell_the_same(watched):
    needs_jaeger()
    trace, _ = ordered(watched)
    theirs, own = (settled(lambda f=f: f(watched, trace)) for f in (in_jaeger, in_console))
    for field in ("parent", "name", "kind", "service"):
        assert {i: s[field] for i, s in theirs.items()} == {i: s[field] for i, s in own.items()}


def test_a_callers_decision_not_to_record_holds_in_every_process(watched):
    unseen, _ = ordered(watched, sampled=False)
    seen, _ = ordered(watched)
    settled(lambda: in_console(watched, seen))
    assert in_console(watched, unseen) == {}


def test_every_process_is_scraped_also_after_it_was_scaled(watched):
    def up():
        return {r["metric"]["instance"]: r["value"][1] for r in prometheus(watched).query('up{job="bitvelocity"}')}
    wait_for(lambda: up() == dict.fromkeys(ROLES, "1"), 60)
    assert watched.run("scale", "product=2").code == 0
    wait_for(lambda: up() == dict.fromkeys(ROLES | {"product.2"}, "1"), 60)
    assert watched.run("scale", "product=1").code == 0
    wait_for(lambda: up() == dict.fromkeys(ROLES, "1"), 60)
    wait_for(lambda: {r["metric"]["instance"]: r["value"][1] for r in prometheus(watched).query('up{job="observability"}')} ==
             dict.fromkeys(servers(watched), "1"), 60)


def queries():
    for title, panels in DASHBOARDS.values():
        for panel in panels:
            for _, expression in panel.queries:
                yield f"{title}: {panel.title}", expression
    for group in yaml.safe_load((INFRA / "rules.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule.get("record") or rule["alert"], rule["expr"]


def test_every_query_names_series_that_there_are(watched):
    shopper = watched.shopper()
    for method in ("card_ok", "card_declined"):
        final(shopper, place(shopper, [("KIT-KETTLE-17", 1)], method=method)["id"])
    live, asked = prometheus(watched), dict(queries())
    wait_for(lambda: "bv:api_availability:bad_ratio_3d" in live.names(), 60)
    names = live.names()
    for where, expression in asked.items():
        live.query(expression)
        assert names_of(expression) <= names, where


def test_dashboards_are_served_with_their_series(watched):
    pages = requests.get(base(watched, "victoria-metrics") + "/vmui/custom-dashboards", timeout=10).json()["dashboardsSettings"]
    assert {p["title"] for p in pages} == {title for title, _ in DASHBOARDS.values()}

    def placed():
        answer = requests.get(base(watched, "victoria-metrics") + "/api/v1/query", {"query": "sum(bv_orders_placed_total)"}, timeout=10).json()
        return answer["data"]["result"]
    assert wait_for(placed, 60)


def test_lines_of_a_trace_are_found_from_all_processes_that_it_went_through(watched):
    trace, _ = ordered(watched)

    def found():
        text = requests.get(base(watched, "victoria-logs") + "/select/logsql/query", {"query": f'trace_id:"{trace}"'}, timeout=10).text
        lines = [json.loads(line) for line in text.splitlines()]
        return lines if len({line["instance"] for line in lines}) > 2 else None
    roles = {str(one["pid"]): one["role"] for one in watched.processes()}
    said = {(roles[line["instance"].rsplit(":", 1)[1]], line["_msg"]) for line in wait_for(found, 60)}
    assert said >= {("gateway", "http.request"), ("order", "rpc.served"), ("product", "rpc.served")}


def test_what_is_killed_is_started_again_and_no_span_is_lost(watched):
    needs_jaeger()
    for name in ("jaeger", "collector"):
        was = servers(watched)[name]["pid"]
        os.kill(was, signal.SIGKILL)
        trace, _ = ordered(watched)  # nobody waits for them
        wait_for(lambda n=name, pid=was: servers(watched)[n]["pid"] not in (0, pid), 60)
        assert len(settled(lambda t=trace: in_jaeger(watched, t))) > 20, name


@pytest.mark.parametrize("name", ["collector", "prometheus", "victoria-logs"])
def test_what_is_killed_is_started_again_where_it_was(watched, name):
    was = servers(watched)[name]
    os.kill(was["pid"], signal.SIGKILL)
    ordered(watched)  # nobody waits for it
    now = wait_for(lambda: servers(watched)[name]["pid"] not in (0, was["pid"]) and servers(watched)[name], 60)
    assert now["port"] == was["port"]


def test_they_end_with_the_platform_and_come_back_with_what_they_kept(own_platform):
    p = own_platform(*with_observability()).start()
    ordered(p)
    wait_for(lambda: prometheus(p).query("sum(bv_orders_placed_total) > 0"), 60)
    before = servers(p)
    p.stop()
    assert not any(alive(s["pid"]) for s in before.values())
    assert json.loads((p.folder / "targets.json").read_text()) == []
    p.start()
    p.kill()  # what is left ends by itself, or is ended by the next start
    p.start()
    assert {n: s["port"] for n, s in servers(p).items()} == {n: s["port"] for n, s in before.items()}
    assert prometheus(p).query("max_over_time(bv_orders_placed_total[10m]) > 0")
