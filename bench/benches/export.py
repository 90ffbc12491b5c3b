"""What tracing and the export of traces cost: CPU of the platform a cached product read, and reads a second, against a platform that
traces nothing.

Each variant is loaded in turn, several rounds, by wrk on 32 keep-alive connections. A product read is the cheapest request there is, so a
span weighs most there. The collector is a server of the bench's own that takes everything.
"""

import http.server
import threading
import time

from lib import charts, figures, platform
from lib.environment import ensure

TARGET, THROUGHPUT = 1.05, 0.95
SKU = "KIT-KETTLE-17"
VARIANTS = {
    "nothing traced": (False, "trace.sample_percent=0"),
    "5 % recorded and exported": (True, "trace.sample_percent=5"),
    "all recorded": (False,),
    "all recorded, 5 % exported": (True, "telemetry.otlp_percent=5"),
    "all recorded and exported": (True,),
}


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


def measure(run):
    ensure("wrk")
    seconds = max(1, round(run.seconds(3)))
    sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    everyone = {}
    for n, (name, (exported, *settings)) in enumerate(VARIANTS.items()):
        if exported:
            settings.append(f"telemetry.otlp_endpoint=http://127.0.0.1:{sink.server_port}")
        p = platform.Platform(run, f"p{n}", "runtime.cores=1", *settings).start()
        everyone[name] = (p, [f"Authorization: Bearer {p.shopper_token()}"])
    microseconds, reads = {name: [] for name in everyone}, {name: [] for name in everyone}
    for n in range(run.rounds(5) + 1):
        for name, (p, headers) in everyone.items():
            before = figures.cpu(p.process.pid)
            requests = platform.wrk(f"{p.url}/v1/products/{SKU}", 1 if n == 0 else seconds, headers=headers)
            time.sleep(1)  # what is due is exported within half a second
            if n > 0:  # the first warms caches up
                microseconds[name].append((figures.cpu(p.process.pid) - before) / requests * 1e6)
                reads[name].append(requests / seconds)
    sink.shutdown()
    ratios = {name: figures.ratio(us, microseconds["nothing traced"]) for name, us in microseconds.items()}
    throughput = {name: figures.ratio(n, reads["nothing traced"]) for name, n in reads.items()}
    figures.table(["cached product read, 32 connections", "µs of CPU a request", "nothing traced = 1", "reads a second, to it"],
                  [[name, figures.shown(figures.summary(us), 1), figures.shown(ratios[name]), figures.shown(throughput[name])] for name, us in microseconds.items()])
    sampled = "5 % recorded and exported"
    met = ratios[sampled]["median"] <= TARGET and throughput[sampled]["median"] >= THROUGHPUT
    print(f"   target: with {sampled} at most {TARGET} of the CPU and at least {THROUGHPUT} of the throughput: {'met' if met else 'missed'}")
    return {"seconds": seconds, "cpu_us_per_request": {k: figures.summary(v) for k, v in microseconds.items()}, "ratio": ratios, "throughput": throughput,
            "target": {"at_most": TARGET, "throughput_at_least": THROUGHPUT, "met": met}}


def picture(found):
    return charts.bars("Tracing and export: CPU time a request", "a platform that traces nothing is 1; cached product read", list(found["ratio"].items()), " ×", reference=1.0)
