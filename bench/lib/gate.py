"""Compares what a bench found with bench/baseline.json. Lower is better in all that is gated."""

import json
import pathlib

BASELINE = pathlib.Path(__file__).resolve().parent.parent / "baseline.json"
TOLERANCE = 0.20


def read():
    return json.loads(BASELINE.read_text()) if BASELINE.exists() else {}


def write(found):
    """found: bench → name → value. Benches that were not run keep theirs."""
    BASELINE.write_text(json.dumps({**read(), **{b: {n: round(v) if v >= 100 else round(v, 4) for n, v in values.items()} for b, values in found.items()}}, indent=2) + "\n")


def compare(found, baseline):
    """[(bench, name, old, new, change, is worse)]; a figure that is only on one side has None on the other, and is no regression."""
    out = []
    for bench, values in found.items():
        known = baseline.get(bench, {})
        for name in [*known, *(n for n in values if n not in known)]:
            old, new = known.get(name), values.get(name)
            change = new / old - 1 if old and new is not None else None
            out.append((bench, name, old, new, change, new is None or (change is not None and change > TOLERANCE)))
    return out


def show(rows):
    def cell(value):
        return "–" if value is None else f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.3g}"
    from lib import figures
    figures.table(["gate", "baseline", "now", "change", ""],
                  [[f"{bench}: {name}", cell(old), cell(new), "–" if change is None else f"{change:+.1%}", "WORSE" if worse else ""] for bench, name, old, new, change, worse in rows])
    return [f"{bench}: {name}: {cell(old)} became {cell(new)}" + (f", {change:.0%} worse" if change is not None else ", it is not measured any more") for bench, name, old, new, change, worse in rows if worse]
