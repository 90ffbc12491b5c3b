"""Prometheus, Alertmanager and VictoriaLogs themselves, on a platform that works and then does not."""

import contextlib
import http.server
import json
import re
import shutil
import threading

import pytest
import requests
import yaml

from conftest import final, place, wait_for
from servers import INFRA, TOOLS, fetched, free_port, prometheus, running

import render
from tables import ALERTS, DASHBOARDS

SERIES = re.compile(r"\b(bv:\w+:\w+|bv_\w+|telemetry_\w+|process_\w+|up)\b")


def queries():
    for title, panels in DASHBOARDS.values():
        for panel in panels:
            for _, expression in panel.queries:
                yield f"{title}: {panel.title}", expression
    for group in yaml.safe_load((INFRA / "rules.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule.get("record") or rule["alert"], rule["expr"]


def journey(p):
    shopper = p.shopper()
    for method in ("card_ok", "card_declined"):
        final(shopper, place(shopper, [("KIT-KETTLE-17", 1)], method=method)["id"])
    shopper.get("/v1/products/KIT-KETTLE-17")
    return shopper


def test_every_query_names_series_that_there_are(own_platform, tmp_path):
    p = own_platform("telemetry.otlp_endpoint=http://127.0.0.1:9").start()
    journey(p)
    tmp_path.chmod(0o755)
    with prometheus(tmp_path, p.url.removeprefix("http://"), faster=60) as live:
        wait_for(lambda: {"bv:api_availability:bad_ratio_3d", "bv_saga_outcomes_total"} <= live.names())
        names = live.names()
        for where, expression in queries():
            live.query(expression)
            assert set(SERIES.findall(re.sub(r'"[^"]*"', "", expression))) <= names, where


class Pager:
    """Takes Alertmanager's calls: which receiver was told of which alert."""

    def __init__(self):
        self.told, outer = set(), self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for alert in body["alerts"]:
                    if alert["status"] == "firing":
                        outer.told.add((self.path.strip("/"), alert["labels"]["alertname"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@contextlib.contextmanager
def alertmanager(folder, pager, faster):
    fetched("alertmanager")
    text = (INFRA / "alertmanager.yml").read_text().replace("127.0.0.1:9095", f"127.0.0.1:{pager.server.server_port}")
    text = re.sub(r"(group_wait|group_interval): (\d+[smh])", lambda m: f"{m.group(1)}: {render.shorter(m.group(2), faster)}", text)
    (folder / "alertmanager.yml").write_text(text, encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    with running("prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", "--storage.path={folder}/data", f"--web.listen-address={address}",
                 "--cluster.listen-address=", ready=f"http://{address}/-/ready"):
        yield address


def test_a_platform_in_trouble_calls_who_should_know(own_platform, tmp_path):
    """Errors, a provider that is away, lost spans, and in the end the platform's death: each alert fires and is delivered."""
    tmp_path.chmod(0o755)
    pager, refusing = Pager(), http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)  # answers 501 to a POST
    threading.Thread(target=refusing.serve_forever, daemon=True).start()
    p = own_platform("orders.most_open=1", f"provider.url=http://127.0.0.1:{free_port()}", f"telemetry.otlp_endpoint=http://127.0.0.1:{refusing.server_port}").start()
    shopper, faster = p.shopper(), 120
    with alertmanager(tmp_path, pager, faster) as manager, prometheus(tmp_path, p.url.removeprefix("http://"), manager, faster):
        def told(alert, receiver):
            with contextlib.suppress(Exception):
                place(shopper, [("KIT-KETTLE-17", 1)])
            return (receiver, alert) in pager.told
        wait_for(lambda: told("ApiAvailabilityBurns", "on-call"), timeout=90)
        wait_for(lambda: told("TelemetryLost", "working-hours"), timeout=90)
        wait_for(lambda: told("ApiAvailabilityBurns", "escalation"), timeout=90)
        p.kill()
        wait_for(lambda: ("on-call", "PlatformDown") in pager.told, timeout=90)
    pager.server.shutdown()
    refusing.shutdown()
    assert {alert for _, alert in pager.told} <= {a.name for a in ALERTS} | {"ApiAvailabilityBurns", "ApiLatencyBurns"}


def test_logs_are_found_by_trace_id(own_platform):
    if not shutil.which("go") and not (TOOLS / "victoria-logs").exists():
        pytest.skip("VictoriaLogs is built from its Go module, and there is no Go here")
    fetched("victoria-logs")
    url = f"http://127.0.0.1:{free_port()}"
    with running("victoria-logs", "-storageDataPath={folder}/data", f"-httpListenAddr={url[7:]}", ready=url + "/health"):
        p = own_platform(f"log.ship_url={url}/insert/elasticsearch", "log.level=debug").start()
        answer = p.client().session.get(p.url + "/v1/products/NONE-1", headers={"traceparent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"}, timeout=10)
        assert answer.status_code == 404

        def found():
            text = requests.get(url + "/select/logsql/query", {"query": 'trace_id:"0123456789abcdef0123456789abcdef"'}, timeout=10).text
            return [json.loads(line) for line in text.splitlines()]
        line = next(one for one in wait_for(found, timeout=60) if one["_msg"] == "http.request")
        assert line["status"] == "404" and line["service"] == "bitvelocity" and line["_time"].startswith("20") and line["_stream"]
