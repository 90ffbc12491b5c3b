"""What a product read costs by where the product is found: in memory, in Redis, in PostgreSQL.

Each pass reads every product of a catalogue once, on 32 keep-alive connections; before it, memory and Redis are emptied or left full. One
platform has a Redis, which also counts every request, and one has none. CPU time is that of all processes that take part, divided by the reads.
"""

import re
import socket
import subprocess

from lib import figures, platform
from lib.environment import CannotMeasure, ensure, free_port

PRODUCTS = 10_000

SCRIPT = """
local sent, answered, all = 0, 0, 0
init = function(args) all = tonumber(args[1]) end
request = function()
    sent = sent + 1
    return wrk.format("GET", string.format("/v1/products/LEVEL-%05d", (sent - 1) % all))
end
response = function(status)
    answered = answered + 1
    if status ~= 200 or answered >= all then wrk.thread:stop() end
end
"""


class Redis:
    def __init__(self, run):
        self.port = free_port()
        self.process = run.start(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(run.folder)], stdout=subprocess.DEVNULL)

    def ask(self, *words):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as s:
            s.sendall((" ".join(words) + "\r\n").encode())
            return s.recv(4096)


def fill(p):
    key = {"X-Api-Key": p.secret("dev.importer.api_key")}
    for at in range(0, PRODUCTS, 1_000):
        p.call("POST", "/v1/products:batchUpsert", {"products": [
            {"sku": f"LEVEL-{n:05}", "name": f"Product {n}", "description": "Of no use but to measure with.", "onSale": True,
             "prices": [{"currency": "GBP", "minorUnits": "1250"}]} for n in range(at, at + 1_000)]}, key)
    return p


def read_all(run, p):
    """Milliseconds of the median read. wrk waits out its time, also when everything has been read."""
    script = run.folder / "levels.lua"
    script.write_text(SCRIPT)
    out = subprocess.run(["wrk", "-t1", "-c32", f"-d{round(run.seconds(12))}s", "--latency", "-s", script, p.url, "--", str(PRODUCTS)], capture_output=True, text=True).stdout
    median = re.search(r"50%\s+([\d.]+)(us|ms|s)", out)
    read = next((int(line.split()[0]) for line in out.splitlines() if " requests in " in line), 0)
    if read < PRODUCTS or "Non-2xx" in out or not median:
        raise CannotMeasure(f"not every product was read: {out[-300:]}")
    return float(median[1]) * {"us": 0.001, "ms": 1, "s": 1_000}[median[2]]


def forget_memory(p, redis):
    """The process drops what it holds when it listens anew: it may have missed anything."""
    redis.ask("CLIENT", "KILL", "TYPE", "pubsub")
    for _ in range(10_000):
        if b":1\r\n" in redis.ask("PUBSUB", "NUMSUB", "bv:product:1:invalidated"):
            break
    metrics = p.call_text("/metrics")
    entries = re.search(r'^bv_cache_entries\{cache="products"\} (\S+)$', metrics, re.MULTILINE)
    if not entries or float(entries[1]) > 100:
        raise CannotMeasure("the cache in memory was not emptied")


def measure(run):
    ensure("wrk", "redis-server")
    redis = Redis(run)
    shared = fill(platform.Platform(run, "shared", "runtime.cores=1", "trace.sample_percent=0", f"redis.endpoints=127.0.0.1:{redis.port}").start())
    alone = fill(platform.Platform(run, "alone", "runtime.cores=1", "trace.sample_percent=0").start())
    levels = {"memory": [], "memory, with limits in Redis": [], "Redis": [], "PostgreSQL": [], "PostgreSQL, and stored in Redis": []}
    latency = {name: [] for name in levels}

    def one_pass(name, p, keep):
        before = p.cpu() + p.database_cpu() + figures.cpu(redis.process.pid)
        median = read_all(run, p)
        used = (p.cpu() + p.database_cpu() + figures.cpu(redis.process.pid) - before) / PRODUCTS * 1e6
        if keep:
            levels[name].append(used)
            latency[name].append(median)

    for n in range(run.rounds(5) + 1):
        redis.ask("FLUSHALL")
        forget_memory(shared, redis)
        one_pass("PostgreSQL, and stored in Redis", shared, n > 0)
        forget_memory(shared, redis)
        one_pass("Redis", shared, n > 0)
        one_pass("memory, with limits in Redis", shared, n > 0)
        alone.stop()
        alone.start()
        one_pass("PostgreSQL", alone, n > 0)
        one_pass("memory", alone, n > 0)
    ratios = {name: figures.ratio(us, levels["memory"]) for name, us in levels.items()}
    slower = {name: figures.ratio(ms, latency["memory"]) for name, ms in latency.items()}
    figures.table(["where a product is found", "µs of CPU a read", "to memory = 1", "median latency to memory = 1"],
                  [[name, figures.shown(figures.summary(us), 1), figures.shown(ratios[name]), figures.shown(slower[name])] for name, us in levels.items()])
    return {"products": PRODUCTS, "cpu_us_per_read": {k: figures.summary(v) for k, v in levels.items()}, "cpu_ratio": ratios, "latency_ratio": slower}
