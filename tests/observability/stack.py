"""A platform with what watches it, started by itself: --with observability."""

import subprocess
import uuid

import pytest
import requests

from conftest import ROOT, final, place, wait_for
from servers import INFRA, Prometheus

EVERYTHING = ("jaeger", "collector", "prometheus", "alertmanager", "victoria-metrics", "victoria-logs")


def is_built(name):
    return subprocess.run([INFRA / "fetch", "--check", name], check=False).returncode == 0


def with_observability(*others):
    """The settings for it. Jaeger is left out where it is not built, which takes too long for a test; skips where another cannot be had."""
    wanted = [name for name in EVERYTHING if name != "jaeger" or is_built(name)]
    done = subprocess.run([INFRA / "fetch", *wanted], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"the platform with all that watches it is left out: {done.stderr.strip().splitlines()[-1]}")
    settings = (f"stack.with={','.join((*wanted, *others))}", f"observability.programs={ROOT}/build/tools/bin", f"observability.files={INFRA}")
    return settings if "jaeger" in wanted else (*settings, "collector.traces_to=127.0.0.1:9")


def needs_jaeger():
    if not is_built("jaeger"):
        pytest.skip("Jaeger is left out: infra/observability/fetch jaeger builds it, once, in a quarter of an hour")


def servers(p):
    return {s["name"]: s for s in p.state()["servers"]}


def base(p, name):
    return f"http://127.0.0.1:{servers(p)[name]['port']}"


def prometheus(p):
    return Prometheus(base(p, "prometheus"))


def in_jaeger(p, trace_id):
    """{span id: span} of a trace; empty when Jaeger has none of it, or starts. A span has id, parent, name, kind, service and tags."""
    try:
        answer = requests.get(f"{base(p, 'jaeger')}/api/traces/{trace_id}", timeout=10)
    except requests.ConnectionError:
        return {}
    if answer.status_code == 404:
        return {}
    assert answer.status_code == 200, answer.text
    out = {}
    for trace in answer.json()["data"]:
        for s in trace["spans"]:
            tags = {t["key"]: t["value"] for t in s["tags"]}
            parents = [r["spanID"] for r in s["references"] if r["refType"] == "CHILD_OF" and r["traceID"] == trace_id]
            out[s["spanID"]] = {"id": s["spanID"], "parent": parents[0] if parents else "", "name": s["operationName"], "kind": tags.get("span.kind", "internal"),
                                "service": trace["processes"][s["processID"]]["serviceName"], "tags": tags}
    return out


def in_console(p, trace_id):
    """The same, from the platform itself."""
    answer = requests.get(f"{p.url}/v1/traces/{trace_id}", headers={"X-Api-Key": p.secret("dev.operator.api_key")}, timeout=10)
    spans = answer.json()["spans"] if answer.status_code == 200 else []
    return {s["spanId"]: {"id": s["spanId"], "parent": s.get("parentSpanId", ""), "name": s["name"], "kind": s["kind"], "service": s["service"], "tags": s["attributes"]} for s in spans}


def traced(client, sampled=True):
    """Makes the client's requests part of a new trace; its id, and the id of the span above them."""
    trace, above = uuid.uuid4().hex, uuid.uuid4().hex[:16]
    client.session.headers["traceparent"] = f"00-{trace}-{above}-{'01' if sampled else '00'}"
    return trace, above


def ordered(p, sampled=True, timeout=30):
    """An order that was confirmed; its trace, and the span above."""
    shopper = p.shopper()
    trace, above = traced(shopper, sampled)
    placed = place(shopper, [("KIT-KETTLE-17", 1)])
    del shopper.session.headers["traceparent"]
    assert final(shopper, placed["id"], timeout)["status"] == "ORDER_STATUS_CONFIRMED"
    return trace, above


class Tree:
    """Spans of one trace, under one root."""

    def __init__(self, spans):
        self.spans = spans
        [self.root] = [s for s in spans.values() if s["parent"] not in spans]

    def is_below(self, span, wanted):
        while span:
            if wanted(span):
                return True
            span = self.spans.get(span["parent"])
        return False

    def has(self, what, under=None, **wanted):
        """That there is such a span with these fields, below one that is as `under` says: the root, unless it says otherwise."""
        under = under or (lambda s: s is self.root)
        found = [s for s in self.spans.values() if what(s) and all(s[k] == v for k, v in wanted.items())]
        shown = sorted((s["service"], s["kind"], s["name"]) for s in self.spans.values())
        assert any(self.is_below(self.spans.get(s["parent"]), under) for s in found), (wanted, shown)


def is_grpc(span):
    return span["tags"].get("rpc.system") == "grpc"


def is_sql(span):
    return span["tags"].get("db.system") == "postgresql"


def is_event(span):
    return "messaging.consumer.group.name" in span["tags"]


def is_sent_by(system):
    return lambda span: span["tags"].get("messaging.system") == system and span["kind"] == "producer"


def settled(look, timeout=60):
    """What it gives once it gives the same twice, half a second apart, and something."""
    seen = []

    def same():
        seen.append(look())
        return seen[-1] if len(seen) > 1 and seen[-1] and len(seen[-1]) == len(seen[-2]) else None
    return wait_for(same, timeout, every=1)
