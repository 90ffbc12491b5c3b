"""The observability servers that the tests run, each on a free port and in a folder of its own."""

import contextlib
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

import requests

from conftest import ROOT, wait_for

INFRA = ROOT / "infra/observability"
TOOLS = ROOT / "build/tools/bin"
sys.path.insert(0, str(INFRA))


def fetched(*names):
    done = subprocess.run([INFRA / "fetch", *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def running(program, *arguments, ready):
    """The program with {folder} in its arguments replaced; until `ready` (a URL) answers 200."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bv-tool-"))
    output = open(folder / "output", "w+", encoding="utf-8")
    process = subprocess.Popen([TOOLS / program, *(a.replace("{folder}", str(folder)) for a in arguments)], stdout=output, stderr=subprocess.STDOUT)

    def answers():
        assert process.poll() is None, (folder / "output").read_text()
        with contextlib.suppress(requests.RequestException):
            return requests.get(ready, timeout=5).status_code == 200
    try:
        wait_for(answers)
        yield
    finally:
        process.terminate()
        process.wait(20)
        output.close()
        shutil.rmtree(folder, ignore_errors=True)


class Prometheus:
    def __init__(self, url):
        self.url = url

    def query(self, expression):
        answer = requests.get(self.url + "/api/v1/query", {"query": expression}, timeout=10).json()
        assert answer["status"] == "success", (expression, answer)
        return answer["data"]["result"]

    def names(self):
        return set(requests.get(self.url + "/api/v1/label/__name__/values", timeout=10).json()["data"])

    def firing(self):
        alerts = requests.get(self.url + "/api/v1/alerts", timeout=10).json()["data"]["alerts"]
        return {a["labels"]["alertname"] for a in alerts if a["state"] == "firing"}


@contextlib.contextmanager
def prometheus(folder, targets, alertmanager="127.0.0.1:9", faster=600):
    """targets: addresses, or the path of a platform's targets.json."""
    import render
    fetched("prometheus")
    for name, text in render.files(targets, alertmanager, faster).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    url = f"http://127.0.0.1:{free_port()}"
    with running("prometheus", f"--config.file={folder}/prometheus.yml", "--storage.tsdb.path={folder}/tsdb", f"--web.listen-address={url[7:]}", ready=url + "/-/ready"):
        yield Prometheus(url)
