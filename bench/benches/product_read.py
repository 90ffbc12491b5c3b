"""CPU per request of a cached product read, against nginx serving the same bytes, and against Node fastify and Go net/http doing
the same cached read (bench/peers).

Each contestant is loaded in turn, several rounds, by wrk on 32 keep-alive connections; the CPU time of the server process is divided by
the requests it answered. The variants of the platform show what each part of the edge costs.
"""

import json
import os
import subprocess
import time
import urllib.request

from lib import charts, figures, peers, platform
from lib.environment import CannotMeasure, ensure, free_port

TARGET = 2.0
SKU = "KIT-KETTLE-17"

# Each is a platform of its own, so that all can be measured in turns.
PLATFORMS = {
    "default": (),  # every request traced, access log at level debug and so not written
    "sampled 1 %": ("trace.sample_percent=1",),
    "not traced": ("trace.sample_percent=0",),
    "not traced, no access log": ("trace.sample_percent=0", "http.access_log=false"),
    "access log written": ("log.level=debug",),
}


def start_nginx(run, body):
    ensure("nginx-light", "wrk")
    folder, port, cached = run.folder / "nginx", free_port(), free_port()
    (folder / "www").mkdir(parents=True)
    (folder / "www" / "product.json").write_bytes(body)
    for path in (folder, folder / "www"):
        path.chmod(0o755)
    (folder / "nginx.conf").write_text(f"""
        daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 512; }}
        http {{
            access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; default_type application/json; root {folder}/www;
            client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
            server {{ listen 127.0.0.1:{port}; }}
            server {{ listen 127.0.0.1:{cached}; open_file_cache max=100; }}
        }}""")
    child = run.start(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")])
    return child, [f"http://127.0.0.1:{p}/product.json" for p in (port, cached)]


def wait_for(url):
    for _ in range(200):
        try:
            return urllib.request.urlopen(url, timeout=5).read()
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{url} does not answer")


def contestants(run):
    """name → (pid, url, headers)"""
    out, body = {}, None
    for name, settings in PLATFORMS.items():
        p = platform.Platform(run, name.replace(" ", "-").replace(",", "").replace("%", ""), "runtime.cores=1", *settings).start()
        bearer = [f"Authorization: Bearer {p.shopper_token()}"]
        url = f"{p.url}/v1/products/{SKU}"
        out[f"platform, {name}"] = (p.process.pid, url, bearer)
        if name == "not traced":
            out["platform, not traced, no token"] = (p.process.pid, url, [])
        if body is None:
            body = urllib.request.urlopen(url, timeout=10).read()
    child, urls = start_nginx(run, body)
    assert wait_for(urls[0]) == body
    out["nginx, open_file_cache"] = (child.pid, urls[1], [])
    slim_port = free_port()
    slim = run.start([run.program("bench/bench_http_server"), str(slim_port), "1"], stdout=subprocess.DEVNULL)
    wait_for(f"http://127.0.0.1:{slim_port}/")
    out["the HTTP server alone (500 bytes)"] = (slim.pid, f"http://127.0.0.1:{slim_port}/", [])
    out |= start_peers(run, body)
    return {"nginx": (child.pid, urls[0], []), **out}, len(body)


def start_peers(run, body):
    product, out = run.folder / "product.json", {}
    product.write_bytes(body)
    for name, make in peers.PEERS.items():
        command = make(run)
        if command is None:
            continue
        port = free_port()
        child = run.start([*command, str(port), str(product)], env={**os.environ, "GOMAXPROCS": "1"}, stdout=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}/v1/products/{SKU}"
        served = json.loads(wait_for(url))
        if served != json.loads(body):
            raise CannotMeasure(f"{name} serves {served}, and the platform {body.decode()}: bench/peers must follow the contract")
        out[name] = (child.pid, url, [])
    return out


def measure(run):
    ensure("nginx-light", "wrk")
    seconds = max(1, round(run.seconds(3)))
    everyone, size = contestants(run)
    microseconds = {name: [] for name in everyone}
    for n in range(run.rounds(5) + 1):
        for name, (pid, url, headers) in everyone.items():
            before = figures.cpu(pid)
            requests = platform.wrk(url, 1 if n == 0 else seconds, headers=headers)
            if n > 0:  # the first warms caches up
                microseconds[name].append((figures.cpu(pid) - before) / requests * 1e6)
    ratios = {name: figures.ratio(us, microseconds["nginx"]) for name, us in microseconds.items()}
    figures.table([f"{size} bytes of JSON, 32 connections", "µs of CPU a request", "to nginx = 1"],
                  [[name, figures.shown(figures.summary(us), 1), figures.shown(ratios[name])] for name, us in microseconds.items()])
    met = ratios["platform, default"]["median"] <= TARGET
    print(f"   target: at most {TARGET} × nginx, with a token: {'met' if met else 'missed'}")
    return {"bytes": size, "seconds": seconds, "cpu_us_per_request": {k: figures.summary(v) for k, v in microseconds.items()}, "ratio_to_nginx": ratios,
            "target": {"at_most": TARGET, "met": met}}


def picture(found):
    return charts.bars("Cached product read: CPU time a request", "nginx sending the same bytes from a file is 1; 32 keep-alive connections", list(found["ratio_to_nginx"].items()), " ×", reference=1.0)
