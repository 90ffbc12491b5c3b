"""What a soak does: its world, its faults, its samples, and what it makes of them (soak.py is the command)."""

import collections
import contextlib
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import threading
import time
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1] / "bench")]

import requests  # noqa: E402
import strikes  # noqa: E402
from drift import drift  # noqa: E402
from gate import Gate  # noqa: E402
from history import Shopping  # noqa: E402
from lib import charts, figures  # noqa: E402

from conftest import free_port, platforms, scratch_folder  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402

# What the lower end of the 95 % interval of the growth may reach over the time that it is measured: the platform's own, after its last start.
BOUNDS = {"memory_mb": 24.0, "descriptors": 40.0, "threads": 4.0}
NAMES = {"memory_mb": ("memory of the platform", "MB"), "descriptors": ("descriptors", ""), "threads": ("threads", ""), "p50_ms": ("median latency", "ms"),
         "p99_ms": ("p99 latency", "ms"), "lag": ("event lag", "events")}
SETTLING = 0.15  # of a process's life, in which caches and pools fill: not part of its drift
RECOVERY_TIMEOUT = 120


@contextlib.contextmanager
def a_world():
    """A platform on a PostgreSQL server and a payment provider of its own, each behind a gate."""
    folder = scratch_folder()
    port = free_port()
    try:
        with platforms() as make, PostgresServer(folder / "server") as server, Gate(("127.0.0.1", server.port)) as database, Gate(("127.0.0.1", port)) as provider:
            server.psql("CREATE DATABASE shop")
            # A port of its own, so that it is found where it was after it was killed.
            p = make(f"http.port={free_port()}", f"database.url={server.conninfo(database='shop', port=database.port)}", f"provider.url=http://127.0.0.1:{provider.port}",
                     "provider.timeout=1s")
            world = types.SimpleNamespace(platform=p.start(), database=database, provider=provider, server=server, provider_process=None)
            def start_provider():
                world.provider_process = strikes.start_provider(p, port)
            world.start_provider = start_provider
            world.start_provider()
            try:
                yield world
            finally:
                database.heal()
                provider.heal()
                p.stop()
                world.provider_process.terminate()
                world.provider_process.wait(20)
    finally:
        subprocess.Popen(["rm", "-rf", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


class Sampler:
    """A row each `every` seconds, on a thread of its own."""

    def __init__(self, world, shopping, begun, every):
        self.world, self.shopping, self.begun, self.every = world, shopping, begun, every
        self.rows, self._stop, self._acknowledged = [], threading.Event(), 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)

    def _run(self):
        while not self._stop.wait(self.every):
            self.rows.append(self._sample())

    def _sample(self):
        now, pid = time.monotonic(), self.world.platform.process.pid
        row = {"at": now - self.begun, "pid": pid}
        with contextlib.suppress(OSError, StopIteration, IndexError):
            row["memory_mb"] = figures.pss(pid) / 1e6
            row["descriptors"] = len(os.listdir(f"/proc/{pid}/fd"))
            row["threads"] = len(os.listdir(f"/proc/{pid}/task"))
        with contextlib.suppress(OSError, StopIteration):
            row["provider_mb"] = figures.pss(self.world.provider_process.pid) / 1e6
            row["database_mb"] = figures.tree_pss(self.world.server.process.pid) / 1e6
        row["lag"] = self._lag()
        took = sorted(s * 1e3 for shopper in self.shopping.shoppers for at, s in list(shopper.answers) if now - self.every <= at + s)
        if took:
            row["p50_ms"], row["p99_ms"] = statistics.median(took), took[min(len(took) - 1, int(0.99 * len(took)))]
        acknowledged = self.shopping.acknowledged()
        row["orders_per_second"], self._acknowledged = (acknowledged - self._acknowledged) / self.every, acknowledged
        return row

    def _lag(self):
        """The furthest that a group is behind."""
        try:
            text = requests.get(self.world.platform.url + "/metrics", timeout=1).text
        except requests.RequestException:
            return None
        return max((float(v) for v in re.findall(r"^bv_events_lag\{[^}]*\} (\S+)", text, re.MULTILINE)), default=None)


def strike_at_random(world, shopping, end, begun, chance, gap, say):
    """Until `end`; the strikes, each with how long the platform took to take orders again."""
    done, bag = [], []
    third = begun + (end - begun) / 3
    while time.monotonic() < end:
        time.sleep(min(chance.uniform(*gap), max(0, end - time.monotonic())))
        if time.monotonic() >= end or any(s.broken for s in shopping.shoppers):
            break
        if not bag:  # each kind once before any comes again
            bag = list(strikes.ALL)
            chance.shuffle(bag)
        name = bag.pop()
        if name == strikes.KILL and time.monotonic() > third:
            continue
        struck, seconds = time.monotonic(), chance.uniform(1, 5)
        entry = {"fault": name, "at": struck - begun}
        done.append(entry)
        strikes.ALL[name](world, seconds, chance)
        healed = time.monotonic()
        shopping.until(4, timeout=RECOVERY_TIMEOUT)
        entry["until"], entry["recovered_after"] = healed - begun, time.monotonic() - healed
        say(f"{entry['at']:7.0f} s  {name}; mended after {healed - struck:.1f} s, orders again {entry['recovered_after']:.1f} s later")
    return done


def drifts_of(rows, faults):
    """Of the platform's last life, after it has settled; latency and lag where no fault was."""
    if not rows:
        return {}
    last = [r for r in rows if r["pid"] == rows[-1]["pid"]]
    from_ = last[0]["at"] + SETTLING * (last[-1]["at"] - last[0]["at"])
    last = [r for r in last if r["at"] >= from_]
    def calm(row):
        return not any(f["at"] - 1 <= row["at"] <= f.get("until", row["at"]) + f.get("recovered_after", 0) + 2 for f in faults)
    out = {}
    for name in NAMES:
        found = drift([(r["at"], r.get(name)) for r in last if name in BOUNDS or calm(r)])
        if found:
            out[name] = {"per_hour": found.per_hour, "low": found.low, "high": found.high, "hours": found.hours, "surely_grew": found.surely_grew(), "bound": BOUNDS.get(name)}
    return out


def picture(rows, faults, title, subtitle):
    unit, scale = (" min", 60) if rows and rows[-1]["at"] > 900 else (" s", 1)

    def line(key):
        return [(r["at"] / scale, r.get(key)) for r in rows]
    panels = [
        charts.Panel("memory (proportional set size)", [("platform", line("memory_mb")), ("PostgreSQL", line("database_mb")), ("payment provider", line("provider_mb"))], " MB", height=130),
        charts.Panel("the platform's descriptors and threads", [("descriptors", line("descriptors")), ("threads", line("threads"))], height=90),
        charts.Panel("answers to shoppers", [("median", line("p50_ms")), ("p99", line("p99_ms"))], " ms", log_y=True, height=130),
        charts.Panel("event lag, of the group furthest behind", [("events", line("lag"))], height=70),
        charts.Panel("orders acknowledged a second", [("orders", line("orders_per_second"))], height=70),
    ]
    marks = [(f["at"] / scale, f.get("until", f["at"]) / scale, f["fault"]) for f in faults]
    return charts.curves(title, subtitle, panels, x_unit=unit, marks=marks, x_label="since the start; shaded: a fault")


def soak(arguments, say):
    chance = random.Random(arguments.seed)
    with a_world() as world:
        shopping = Shopping(world.platform, shoppers=arguments.shoppers, seed=arguments.seed)
        for s in shopping.shoppers:
            s.pause = arguments.shoppers / arguments.rate
        begun = time.monotonic()
        end = begun + arguments.seconds
        gap = (1.0, 3.0) if arguments.seconds < 300 else (5.0, 20.0)
        faults, problems, ended_early = [], [], False
        with Sampler(world, shopping, begun, max(0.5, arguments.seconds / 3600)) as sampler:
            try:
                with shopping:
                    faults = strike_at_random(world, shopping, end, begun, chance, gap, say)
                    say("the faults are over; orders must be taken, and every order must become final")
                    shopping.until(8, timeout=RECOVERY_TIMEOUT)
            except KeyboardInterrupt:
                ended_early = True
                world.database.heal()
                world.provider.heal()
            except AssertionError as e:
                problems.append(f"the platform did not recover: {e}")
        with contextlib.suppress(AssertionError):
            problems += shopping.problems(timeout=300)
        verified = world.platform.run("verify", *[w for s in world.platform.settings if s.startswith(("database.url=", "provider.url=")) for w in ("--set", s)])
    tries = collections.Counter()
    for s in shopping.shoppers:
        tries += s.tries
    return {"seconds": time.monotonic() - begun, "seed": arguments.seed, "ended_early": ended_early, "orders": shopping.acknowledged(), "cancelled": sum(len(s.cancelled) for s in shopping.shoppers),
            "returned": sum(len(s.returned) for s in shopping.shoppers), "repeated_requests": sum(tries.values()), "faults": faults, "problems": problems,
            "verify": {"code": verified.code, "output": verified.out}, "drift": drifts_of(sampler.rows, faults), "samples": sampler.rows}


def judged(found):
    """What makes it fail, one sentence each."""
    out = list(found["problems"][:20])
    if found["verify"]["code"] != 0:
        out.append("verify found a violated invariant:\n" + found["verify"]["output"])
    for name, d in found["drift"].items():
        if d["bound"] is not None and d["surely_grew"] > d["bound"]:
            what, unit = NAMES[name]
            out.append(f"{what} grew by at least {d['surely_grew']:.1f} {unit} in {d['hours'] * 3600:.0f} s; the bound is {d['bound']:.0f} {unit}".replace("  ", " "))
    return out


def show(found, failures):
    slowest = max((f.get("recovered_after", 0.0) for f in found["faults"]), default=0.0)
    kinds = len({f["fault"] for f in found["faults"]})
    print(f"\n{found['orders']} orders acknowledged, {found['cancelled']} cancellations, {found['returned']} returns; {found['repeated_requests']} requests had to be repeated under their keys")
    print(f"{len(found['faults'])} faults of {kinds} kinds; orders were taken again {slowest:.1f} s after the slowest")
    figures.table(["drift after its last start", "an hour", "95 % interval", "surely grew", "bound"],
                  [[NAMES[name][0], f"{d['per_hour']:+.2f} {NAMES[name][1]}", f"{d['low']:+.2f} to {d['high']:+.2f}", f"{d['surely_grew']:.2f}", "–" if d["bound"] is None else f"{d['bound']:.0f}"]
                   for name, d in found["drift"].items()])
    print("verify: every invariant holds" if found["verify"]["code"] == 0 else "verify: a violation")
    for f in failures:
        print(f"FAILED: {f}")
