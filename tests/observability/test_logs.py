"""Log lines in a store that was given: VictoriaLogs."""

import json
import shutil

import pytest
import requests
from servers import TOOLS, fetched, free_port, running

from conftest import wait_for


def test_logs_are_found_by_trace_id(own_platform):
    if not shutil.which("go") and not (TOOLS / "victoria-logs").exists():
        pytest.skip("VictoriaLogs is built from its Go module, and there is no Go here")
    fetched("victoria-logs")
    url = f"http://127.0.0.1:{free_port()}"
    with running("victoria-logs", "-storageDataPath={folder}/data", f"-httpListenAddr={url[7:]}", ready=url + "/health"):
        p = own_platform(f"log.ship_url={url}/insert/elasticsearch", "log.level=debug").start()
        answer = p.client().session.get(p.url + "/v1/products/NONE-1", headers={"traceparent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"}, timeout=10)
        assert answer.status_code == 404

        def found():
            text = requests.get(url + "/select/logsql/query", {"query": 'trace_id:"0123456789abcdef0123456789abcdef"'}, timeout=10).text
            return [json.loads(line) for line in text.splitlines()]
        line = next(one for one in wait_for(found, timeout=60) if one["_msg"] == "http.request")
        assert line["status"] == "404" and line["service"] == "bitvelocity" and line["_time"].startswith("20") and line["_stream"]
