"""Instructions a request, a message and an order, counted by callgrind: what each part of the edge adds to the bare HTTP server, and what the
services execute for an order from placed to confirmed. That runs in the simulation, over memory stores and in virtual time.

Counts do not depend on what else the machine does, so they are what the regression gate trusts. They say nothing of caches, system calls
or waiting. One caller, one request after the other on one connection; what the platform does when idle is subtracted.
"""

import http.client
import json
import pathlib
import subprocess
import time

from lib import charts, figures, platform
from lib.environment import CannotMeasure, free_port
from lib.instructions import Counter, of_command, stripped

SKU = "KIT-KETTLE-17"
REQUESTS = 600
IDLE_SECONDS = 3
AT_REST = 4e6  # instructions a second: far above what the idle platform executes, far below what it still does for its start
ORDERS = pathlib.Path(__file__).resolve().parent.parent / "orders.json"
WHOLE_ORDER = "an order: placed to confirmed"


class Connection:
    def __init__(self, port):
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, times, path, headers):
        for _ in range(times):
            self.http.request("GET", path, headers=headers)
            answer = self.http.getresponse()
            answer.read()
            assert answer.status == 200, (path, answer.status)


def per_request(counter, pid, port, path, headers, rounds, idle=0.0):
    c = Connection(port)
    c.ask(100, path, headers)  # caches
    out = []
    for _ in range(rounds):
        instructions, took = counter.of(pid, lambda: c.ask(REQUESTS, path, headers))
        out.append((instructions - idle * took) / REQUESTS)
    return figures.summary(out)


def bare_server(run, rounds):
    counter, port = Counter(run.folder / "bare"), free_port()
    child = run.start([*counter.command, stripped(run.folder, run.program("bench/bench_http_server")), str(port), "1"], stdout=subprocess.PIPE)
    child.stdout.readline()
    counter.begin(child.pid)
    found = per_request(counter, child.pid, port, "/", {}, rounds)
    run.stop(child)
    return found


def at_rest(counter, pid):
    """Instructions a second of the idle platform, once it has done what comes after a start."""
    for _ in range(40):
        instructions, took = counter.of(pid, lambda: time.sleep(IDLE_SECONDS))
        if instructions / took < AT_REST:
            return instructions / took
    raise CannotMeasure(f"the platform did not come to rest: {instructions / took:.0f} instructions a second")


def of_platform(run, name, settings, asked, rounds):
    """asked: name → (path, whether with a token)"""
    p = platform.Platform(run, "data", "runtime.cores=1", *settings)
    if not (p.folder / "postgres").exists():
        p.start().stop()  # the first start, with its migrations, at full speed
    counter = Counter(run.folder / name)
    p.binary = stripped(run.folder, p.binary)
    p.start(timeout=300, under=counter.command)
    bearer = {"Authorization": f"Bearer {p.shopper_token(name)}"}
    counter.begin(p.process.pid)
    idle = at_rest(counter, p.process.pid)
    found = {what: per_request(counter, p.process.pid, p.port, path, bearer if token else {}, rounds, idle) for what, (path, token) in asked.items()}
    run.stop(p.process, timeout=120)
    return found


def json_pieces(run):
    program = run.program("bench/bench_json")
    out = {}
    for piece, name in (("write", "JSON: an order written"), ("read", "JSON: an order read")):
        few, many = (of_command(run.folder, [program, piece, str(n)]) for n in (200, 1200))
        out[name] = figures.summary([(many - few) / 1000])
    return out


def whole_order(run):
    """Of the services themselves: no network, no database. Three runs of the plan more cost three times its orders."""
    few, many = (of_command(run.folder, [run.program("app/bitvelocity"), "sim", "--plan", str(ORDERS), "--seeds", str(n), "--jobs", "1"]) for n in (1, 4))
    return {WHOLE_ORDER: figures.summary([(many - few) / (3 * len(json.loads(ORDERS.read_text())["shoppers"]))])}


def measure(run):
    rounds = run.rounds(3)
    product = f"/v1/products/{SKU}"
    found = {"the HTTP server alone, 500 bytes": bare_server(run, rounds)}
    found |= of_platform(run, "plain", ["trace.sample_percent=0", "http.access_log=false"], {"edge: /livez": ("/livez", False), "product, no token": (product, False)}, rounds)
    found |= of_platform(run, "logged", ["trace.sample_percent=0"], {"+ access log": (product, False), "+ token": (product, True)}, rounds)
    found |= of_platform(run, "traced", [], {"+ trace: as it starts": (product, True)}, rounds)
    steps = {}
    names = list(found)
    for before, after, what in ((names[0], names[1], "routing, rate limit, request id, metrics"), (names[1], names[2], "product service: cache, checks, JSON"),
                                (names[2], names[3], "access log, its level off"), (names[3], names[4], "token"), (names[4], names[5], "trace")):
        steps[what] = found[after]["median"] - found[before]["median"]
    found |= json_pieces(run) | whole_order(run)
    figures.table(["instructions", "a request or a message"], [[name, figures.shown(s, 0)] for name, s in found.items()])
    figures.table(["what a part adds", "instructions", "of the whole"], [[what, f"{n:+.0f}", f"{n / found[names[5]]['median']:.0%}"] for what, n in steps.items()])
    return {"instructions": found, "added": steps, "requests": REQUESTS}


def picture(found):
    shown = [(name, s) for name, s in found["instructions"].items() if name != WHOLE_ORDER]  # a hundred times the others
    return charts.bars("Instructions a request", "GET /v1/products/{sku} of a cached product, part by part, and JSON of an order; counted by callgrind", shown)


def gated(found):
    return {name: s["median"] for name, s in found["instructions"].items()}
