"""First and second start to ready, and idle memory (proportional set size, so that shared pages count once)."""

import time

from lib import charts, figures, platform

TARGETS = {"first start, s": 10, "second start, s": 3, "idle, platform, MB": 120, "idle, with PostgreSQL and provider, MB": 300}
IDLE_SECONDS = 5


def measure(run):
    found = {name: [] for name in TARGETS}
    for n in range(run.rounds(5)):
        p = platform.Platform(run, f"data-{n}")
        p.start()
        found["first start, s"].append(p.seconds_to_ready)
        p.stop()
        p.start()
        found["second start, s"].append(p.seconds_to_ready)
        time.sleep(IDLE_SECONDS)
        alone = figures.pss(p.process.pid)
        others = figures.tree_pss(p.state["postgres_pid"]) + figures.tree_pss(p.state["provider_pid"])
        found["idle, platform, MB"].append(alone / 1e6)
        found["idle, with PostgreSQL and provider, MB"].append((alone + others) / 1e6)
        p.stop()
    sums = {name: figures.summary(v) for name, v in found.items()}
    figures.table(["", "measured", "target", ""],
                  [[name, figures.shown(s, 1), f"< {TARGETS[name]}", "met" if s["median"] < TARGETS[name] else "missed"] for name, s in sums.items()])
    return {"figures": sums, "targets": {name: {"below": t, "met": sums[name]["median"] < t} for name, t in TARGETS.items()}}


def picture(found):
    return charts.bars("Start-up and idle memory, as a share of the target", "1 is the target: at most so much is allowed",
                       [(name, {k: s[k] / TARGETS[name] for k in ("low", "median", "high")}) for name, s in found["figures"].items()], reference=1.0)
