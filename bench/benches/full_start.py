"""A process for each service, with Kafka and Redis: start to ready, and the idle memory of each part (proportional set size, so that shared pages
count once, between parts as well)."""

import json
import subprocess
import time
from pathlib import Path

from lib import charts, environment, figures, platform

ROOT = Path(__file__).resolve().parents[2]
TARGETS = {"first start, s": 90, "second start, s": 90, "idle, all parts, MB": 3000}
IDLE_SECONDS = 10


def jars():
    fetched = subprocess.run([ROOT / "infra/kafka/fetch"], capture_output=True, text=True)
    if fetched.returncode != 0:
        raise environment.CannotMeasure(f"Kafka's jars: {fetched.stderr.strip()}")
    return ROOT / "build/tools/kafka"


def parts(p):
    """{part: bytes}"""
    roles = json.loads((p.folder / "roles.json").read_text())["processes"]
    out = {one["role"]: figures.pss(one["pid"]) for one in roles}
    out["supervisor"] = figures.pss(p.process.pid)
    out["payment provider"] = figures.tree_pss(p.state["provider_pid"])
    out["PostgreSQL"] = figures.tree_pss(p.state["postgres_pid"])
    out["Redis"] = figures.tree_pss(p.state["redis_pid"])
    out["Kafka"] = figures.tree_pss(p.state["kafka_pid"])
    return out


def measure(run):
    environment.ensure("redis-server")
    folder, found, memory = jars(), {name: [] for name in TARGETS}, {}
    for n in range(run.rounds(3)):
        p = platform.Platform(run, f"data-{n}", "profile=full", "stack.with=kafka,redis", f"kafka.jars={folder}")
        for start in ("first", "second"):
            p.start(timeout=200)
            found[f"{start} start, s"].append(p.seconds_to_ready)
            if start == "first":
                p.stop()
        time.sleep(IDLE_SECONDS)
        now = parts(p)
        for part, size in now.items():
            memory.setdefault(part, []).append(size / 1e6)
        found["idle, all parts, MB"].append(sum(now.values()) / 1e6)
        p.stop()
    sums = {name: figures.summary(v) for name, v in found.items()}
    of_part = {part: figures.summary(v) for part, v in memory.items()}
    figures.table(["", "measured", "target", ""],
                  [[name, figures.shown(s, 1), f"< {TARGETS[name]}", "met" if s["median"] < TARGETS[name] else "missed"] for name, s in sums.items()])
    figures.table(["part", "idle memory, MB"], [[part, figures.shown(s, 1)] for part, s in sorted(of_part.items(), key=lambda one: -one[1]["median"])])
    return {"figures": sums, "memory_mb": of_part, "targets": {name: {"below": t, "met": sums[name]["median"] < t} for name, t in TARGETS.items()}}


def picture(found):
    return charts.bars("Idle memory of each part", "a process for each service, Kafka and Redis; proportional set size", list(found["memory_mb"].items()), " MB")
