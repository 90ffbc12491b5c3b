"""What leaves the platform for a collector and a log store, read with the OpenTelemetry project's own message classes."""

import collections
import http.server
import json
import threading

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from conftest import final, place, wait_for


class Receiver:
    """A collector and a log store in one; answers with `status` as long as that is set."""

    def __init__(self):
        self.traces, self.lines, self.status = [], [], 200
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if outer.status == 200:
                    outer.take(self.path, body)
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, body):
        if path == "/v1/traces":
            self.traces.append(ExportTraceServiceRequest.FromString(body))
        elif path == "/_bulk":
            lines = body.decode().splitlines()
            assert all(json.loads(action) == {"create": {"_index": "bitvelocity"}} for action in lines[::2])
            self.lines += [json.loads(line) for line in lines[1::2]]
        else:
            raise AssertionError(path)

    def spans(self):
        """(service, span) of everything that came."""
        for request in list(self.traces):
            for of_service in request.resource_spans:
                service = {a.key: a.value.string_value for a in of_service.resource.attributes}["service.name"]
                for scope in of_service.scope_spans:
                    for span in scope.spans:
                        yield service, span


@pytest.fixture
def receiver():
    r = Receiver()
    yield r
    r.server.shutdown()


def metric(platform, name, **labels):
    wanted = ",".join(f'{k}="{v}"' for k, v in sorted(labels.items()))
    for line in platform.client().session.get(platform.url + "/metrics", timeout=10).text.splitlines():
        found = line.partition(" ")
        base, _, inside = found[0].partition("{")
        if base == name and ",".join(sorted(inside.rstrip("}").split(","))) == wanted:
            return float(found[2])
    return None


def test_an_order_is_one_trace_at_the_collector(own_platform, receiver):
    p = own_platform(f"telemetry.otlp_endpoint={receiver.url}", f"log.ship_url={receiver.url}", "log.level=debug").start()
    shopper = p.shopper()
    order = place(shopper, [("KIT-KETTLE-17", 1)])
    final(shopper, order["id"])

    def order_trace():
        by_trace = collections.defaultdict(list)
        for service, span in receiver.spans():
            by_trace[span.trace_id].append((service, span))
        for trace, spans in by_trace.items():
            services = {service for service, _ in spans}
            if any(s.name == "POST /v1/orders" for _, s in spans) and {"gateway", "orders", "inventory", "payment", "notification"} <= services:
                return trace, spans
        return None
    trace, spans = wait_for(order_trace)
    ids = {s.span_id for _, s in spans}
    assert len(ids) == len(spans), "each span once"
    root = next(s for _, s in spans if s.name == "POST /v1/orders")
    assert root.kind == root.SPAN_KIND_SERVER and root.end_time_unix_nano > root.start_time_unix_nano
    assert {a.key: a.value.int_value for a in root.attributes}["http.response.status_code"] == 200
    line = wait_for(lambda: next((one for one in receiver.lines if one.get("trace_id") == trace.hex()), None))
    assert line["event"] and line["time"] and line["service"] == "bitvelocity" and line["instance"]


def test_a_collector_that_is_away_costs_no_request_and_is_said_once(own_platform, receiver):
    receiver.status = 503
    p = own_platform(f"telemetry.otlp_endpoint={receiver.url}").start()
    shopper = p.shopper()
    final(shopper, place(shopper, [("KIT-KETTLE-17", 1)])["id"])
    wait_for(lambda: (metric(p, "telemetry_export_retries_total", signal="traces") or 0) >= 2)
    receiver.status = 200
    wait_for(lambda: any(s.name == "POST /v1/orders" for _, s in receiver.spans()), timeout=60)

    def said():
        """Of each process that had something to send, and has sent it."""
        told = {log: [e["event"] for e in entries if e["event"].startswith("telemetry.export_")] for log, entries in p.log_lines().items()}
        told = {log: events for log, events in told.items() if events}
        return told if told and not any(events[-1].endswith("failing") for events in told.values()) else None
    for events in wait_for(said, 60).values():
        assert events == ["telemetry.export_failing", "telemetry.export_recovered"]


def test_only_failed_and_slow_traces_go_where_no_share_is_drawn(own_platform, receiver):
    p = own_platform(f"telemetry.otlp_endpoint={receiver.url}", "telemetry.otlp_percent=0", "telemetry.slow_trace=1h").start()
    shopper = p.shopper()
    good = place(shopper, [("KIT-KETTLE-17", 1)])
    final(shopper, good["id"])
    p.stop()
    assert [s.name for _, s in receiver.spans() if s.name == "POST /v1/orders"] == []


def test_an_endpoint_that_is_none_is_refused_before_anything_starts(own_platform):
    p = own_platform()
    for setting, value in (("telemetry.otlp_endpoint", "collector:4317"), ("log.ship_url", "ftp://logs")):
        done = p.run("up", "--set", f"{setting}={value}")
        assert done.code == 2 and f'{setting}: "{value}"' in done.err and "such as http://" in done.err
