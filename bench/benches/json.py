"""The JSON code that the plugin generates, against Protobuf's own."""

import json
import subprocess

from lib import charts, figures

TARGET = 20.0


def measure(run):
    found = json.loads(subprocess.run([run.program("bench/bench_json"), str(run.rounds(7))], capture_output=True, text=True, check=True).stdout)
    ratios = {what: figures.ratio(found[f"{what}_util"], found[what]) for what in ("write", "read")}
    figures.table([f"an order with three lines, {found['bytes']} bytes", "generated, µs", "protobuf, µs", "times faster"],
                  [[what, figures.shown(figures.summary(found[what])), figures.shown(figures.summary(found[f"{what}_util"]), 1), figures.shown(ratios[what], 1)] for what in ratios])
    met = all(r["median"] >= TARGET for r in ratios.values())
    print(f"   target: {TARGET:.0f} × faster: {'met' if met else 'missed'}")
    return {"us": {k: figures.summary(v) for k, v in found.items() if k != "bytes"}, "times_faster": ratios, "target": {"at_least": TARGET, "met": met}}


def picture(found):
    return charts.bars("Generated JSON: times faster than Protobuf's own", "an order with three lines; CPU time", list(found["times_faster"].items()), " ×", reference=1.0)
