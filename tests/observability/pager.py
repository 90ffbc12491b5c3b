"""Who was told of what: Alertmanager with the routes of infra/observability, and the receivers that it calls."""

import contextlib
import http.server
import json
import re
import threading

from servers import INFRA, fetched, free_port, running

import render  # of infra/observability
from tables import ALERTS, OBJECTIVES

SEVERITY = {a.name: a.severity for a in ALERTS} | {f"Api{name.title()}Burns": "critical" for name in OBJECTIVES}
RECEIVER = {"critical": "on-call", "warning": "working-hours"}


class Pager:
    """Takes Alertmanager's calls: which receiver was told of which alert."""

    def __init__(self):
        self.told, outer = set(), self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for alert in body["alerts"]:
                    if alert["status"] == "firing":
                        outer.told.add((self.path.strip("/"), alert["labels"]["alertname"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def knows(self, alert):
        return (RECEIVER[SEVERITY[alert]], alert) in self.told


@contextlib.contextmanager
def alertmanager(folder, pager, faster):
    """Its address. Its times are shortened as those of the rules are."""
    fetched("alertmanager")
    text = (INFRA / "alertmanager.yml").read_text().replace("127.0.0.1:9095", f"127.0.0.1:{pager.server.server_port}")
    text = re.sub(r"(group_wait|group_interval): (\d+[smh])", lambda m: f"{m.group(1)}: {render.shorter(m.group(2), faster)}", text)
    (folder / "alertmanager.yml").write_text(text, encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    with running("prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", "--storage.path={folder}/data", f"--web.listen-address={address}",
                 "--cluster.listen-address=", ready=f"http://{address}/-/ready"):
        yield address
