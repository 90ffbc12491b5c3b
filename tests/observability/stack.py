"""A platform with what watches it, started by itself: --with observability."""

import subprocess

import pytest
import requests

from conftest import ROOT, wait_for
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


def settled(look, timeout=60):
    """What it gives once it gives the same twice, half a second apart, and something."""
    seen = []

    def same():
        seen.append(look())
        return seen[-1] if len(seen) > 1 and seen[-1] and len(seen[-1]) == len(seen[-2]) else None
    return wait_for(same, timeout, every=1)
