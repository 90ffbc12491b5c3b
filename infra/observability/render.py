#!/usr/bin/env python3
"""Makes Prometheus', Grafana's and VictoriaMetrics' files of tables.py: render.py [--to FOLDER] [--faster N] [--target HOST:PORT … | --targets FILE] [--alertmanager HOST:PORT]

Without options it writes the files beside itself. --faster divides every time by N, so that a drill of a day's rule takes minutes.
"""

import argparse
import json
import pathlib
import re

from tables import ALERTS, BURN_RATES, DASHBOARDS, OBJECTIVES, WINDOWS

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
RUNBOOKS = "docs/runbooks"


def shorter(duration, faster):
    if faster == 1:
        return duration
    milliseconds = int(duration[:-1]) * SECONDS[duration[-1]] * 1000 // faster
    return f"{milliseconds}ms" if milliseconds else "0s"


def shorten(expression, faster):
    # A window holds two scrapes at least, or a rate has no value.
    def window(match):
        short = shorter(match.group(1), faster)
        return f"[{max(int(short[:-2]), 4000)}ms]" if short.endswith("ms") else f"[{short}]"
    return re.sub(r"\[(\d+[smhd])\]", window, expression)


def objective_alerts():
    for name, (objective, _) in OBJECTIVES.items():
        for rate, long, short, severity in BURN_RATES:
            budget = f"{1 - objective:.4g}"
            both = " and ".join(f"bv:api_{name}:bad_ratio_{w} > {rate} * {budget}" for w in (long, short))
            yield f"Api{name.title()}Burns", both, "0m", f"{severity}, window: {long}", f"the API spends its {name} budget {rate} times as fast as it may, over {long}"


def rules(faster=1):
    out = ["# Made by infra/observability/render.py from tables.py: change that.", "groups:"]
    out += ["- name: objectives", f"  interval: {shorter('30s', faster)}", "  rules:"]
    for name, (_, bad) in OBJECTIVES.items():
        for w in WINDOWS:
            out += [f"  - record: bv:api_{name}:bad_ratio_{w}", f"    expr: {json.dumps(shorten(bad(w), faster))}"]
    out += ["- name: alerts", f"  interval: {shorter('30s', faster)}", "  rules:"]
    alerts = [*objective_alerts(), *((a.name, a.expression, a.lasting, a.severity, a.summary) for a in ALERTS)]
    for name, expression, lasting, labels, summary in alerts:
        out += [f"  - alert: {name}", f"    expr: {json.dumps(shorten(expression, faster))}", f"    for: {shorter(lasting, faster)}",
                f"    labels: {{severity: {labels}}}", "    annotations:", f"      summary: {json.dumps(summary)}", f"      runbook: {RUNBOOKS}/{name}.md"]
    return "\n".join(out) + "\n"


def prometheus(targets, alertmanager, faster=1):
    """targets: addresses, or the path of a platform's targets.json."""
    if isinstance(targets, pathlib.Path):
        scraped = f"""  file_sd_configs:
  - files: {json.dumps([str(targets)])}
    refresh_interval: {"1s" if faster > 1 else "15s"}
  tls_config: {{insecure_skip_verify: true}}"""
    else:
        scraped = f"""  static_configs:
  - targets: {json.dumps(list(targets))}"""
    return f"""# Made by infra/observability/render.py: --target, --targets and --alertmanager change the addresses.
global:
  scrape_interval: {"1s" if faster > 1 else "15s"}
  evaluation_interval: {"1s" if faster > 1 else "30s"}
rule_files: [rules.yml]
alerting:
  alertmanagers:
  - static_configs:
    - targets: {json.dumps([alertmanager])}
scrape_configs:
- job_name: bitvelocity
{scraped}
"""


def dashboard(uid, title, panels):
    source = {"type": "prometheus", "uid": "${source}"}
    shown = []
    for i, p in enumerate(panels):
        queries = [{"refId": chr(ord("A") + n), "datasource": source, "expr": e, "legendFormat": legend} for n, (legend, e) in enumerate(p.queries)]
        shown.append({"id": i + 1, "type": "timeseries", "title": p.title, "datasource": source, "gridPos": {"x": i % 2 * 12, "y": i // 2 * 8, "w": 12, "h": 8},
                      "fieldConfig": {"defaults": {"unit": p.unit, "min": 0}, "overrides": []}, "targets": queries})
    choice = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    return {"uid": f"bitvelocity-{uid}", "title": f"BitVelocity: {title}", "tags": ["bitvelocity"], "schemaVersion": 38, "refresh": "15s",
            "time": {"from": "now-1h", "to": "now"}, "templating": {"list": [choice]}, "panels": shown}


def page(title, panels):
    """The dashboard for vmui, which VictoriaMetrics serves by itself. Its legends are "{{label}}" like Grafana's."""
    shown = [{"title": p.title, "unit": "" if p.unit == "short" else p.unit, "expr": [e for _, e in p.queries], "alias": [legend for legend, _ in p.queries], "width": 6, "showLegend": True}
             for p in panels]
    return {"title": title, "rows": [{"panels": shown[i:i + 2]} for i in range(0, len(shown), 2)]}


def files(targets=("127.0.0.1:8080",), alertmanager="127.0.0.1:9093", faster=1):
    out = {"rules.yml": rules(faster), "prometheus.yml": prometheus(targets, alertmanager, faster)}
    for uid, (title, panels) in DASHBOARDS.items():
        out[f"dashboards/{uid}.json"] = json.dumps(dashboard(uid, title, panels), indent=1) + "\n"
        out[f"vmui/{uid}.json"] = json.dumps(page(title, panels), indent=1) + "\n"
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--to", type=pathlib.Path, default=HERE, help="folder that the files are written to")
    p.add_argument("--faster", type=int, default=1, help="divide every time by this")
    p.add_argument("--target", action="append", help="HOST:PORT of a platform; may be repeated")
    p.add_argument("--targets", type=pathlib.Path, help="targets.json of a platform's data directory: all its processes, also after they were scaled")
    p.add_argument("--alertmanager", default="127.0.0.1:9093", help="HOST:PORT")
    o = p.parse_args()
    for name, text in files(o.targets or o.target or ("127.0.0.1:8080",), o.alertmanager, o.faster).items():
        (o.to / name).parent.mkdir(parents=True, exist_ok=True)
        (o.to / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
