"""The year of Online Retail through the public API, then verify; with the platform's memory sampled meanwhile."""

import os
import pathlib
import subprocess
import time

from lib import charts, figures, platform
from lib.environment import CannotMeasure

TARGET_SECONDS = 120
FILE = pathlib.Path(__file__).resolve().parents[3] / "shared/data/online-retail.csv.xz"


def follow(p, command):
    """Runs it; (seconds, last lines, megabytes every second)."""
    begun, memory = time.monotonic(), []
    out = p.folder / "command.out"
    with open(out, "w") as f:
        child = p.run.start(command, stdout=f, stderr=subprocess.STDOUT)
        while child.poll() is None:
            memory.append(figures.pss(p.process.pid) / 1e6)
            time.sleep(1)
    text = out.read_text()
    if child.returncode != 0:
        raise CannotMeasure(f"{' '.join(command[1:3])} ended with {child.returncode}: {text[-1500:]}")
    return time.monotonic() - begun, text, memory


def measure(run):
    file = pathlib.Path(os.environ.get("BENCH_REPLAY_FILE", FILE))
    if not file.exists():
        raise CannotMeasure(f"the file {file.name} is not there; name it with BENCH_REPLAY_FILE")
    p = platform.Platform(run, "data").start()
    before = {"platform": p.cpu(), "database": p.database_cpu(), "provider": p.provider_cpu()}
    limit = os.environ.get("BENCH_REPLAY_LIMIT")
    seconds, text, memory = follow(p, [p.binary, "replay", str(file), "--data-dir", str(p.folder), *(["--limit", limit] if limit else [])])
    cpu = {name: value - before[name] for name, value in {"platform": p.cpu(), "database": p.database_cpu(), "provider": p.provider_cpu()}.items()}
    print("\n".join("   | " + line for line in text.splitlines()[-40:]))
    verify_seconds, verified, _ = follow(p, [p.binary, "verify", "--data-dir", str(p.folder)])
    print("\n".join("   | " + line for line in verified.splitlines()[-25:]))
    settled = memory[len(memory) // 4:]  # what grows after the first quarter is a leak
    thirds = [sum(part) / len(part) for part in (settled[:len(settled) // 3], settled[-(len(settled) // 3):]) if part]
    figures.table(["", "measured"], [
        ["replay, its own verify included, s", f"{seconds:.0f}"], ["verify alone, s", f"{verify_seconds:.1f}"],
        ["CPU, s: platform, PostgreSQL, provider", ", ".join(f"{cpu[k]:.0f}" for k in ("platform", "database", "provider"))],
        ["platform's memory after the first quarter, MB", f"{min(settled):.0f}–{max(settled):.0f}"],
        ["its mean, first and last third of that, MB", " → ".join(f"{t:.0f}" for t in thirds)]])
    met = None if limit else seconds < TARGET_SECONDS  # a part of the year says nothing about the whole
    print(f"   target: the whole year under {TARGET_SECONDS} s: {'not measured' if met is None else 'met' if met else 'missed'}")
    return {"seconds": seconds, "verify_seconds": verify_seconds, "cpu_seconds": cpu, "memory_mb": memory, "limit": limit,
            "target": {"below_seconds": TARGET_SECONDS, "met": met}}


def picture(found):
    return charts.curves("The platform's memory during the year's replay", f"{found['seconds']:.0f} s with its verify; proportional set size",
                         [charts.Panel("memory", [("platform", [(float(t), mb) for t, mb in enumerate(found["memory_mb"])])], " MB", height=200)], x_unit=" s")
