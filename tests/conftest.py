"""What the Python tests share: a platform of their own, and a client of its public API."""

import collections
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = os.environ.get("BV_BINARY", str(ROOT / "build/release/app/bitvelocity"))
BUILD = os.environ.get("BV_BUILD", str(pathlib.Path(BINARY).resolve().parents[1]))
RETAIL = ROOT.parent / "shared/data/online-retail.csv.xz"  # the real file; tests that need it skip where it is absent

Result = collections.namedtuple("Result", "code out err")


def pytest_addoption(parser):
    parser.addoption("--profile", choices=("one", "full"), default="one", help="the shape of the platforms that tests start: one process, or a process for each service")


def pytest_configure(config):
    config.addinivalue_line("markers", "one_process(why): says nothing about a platform of many processes, which the reason tells")
    Platform.profile = config.getoption("--profile")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--profile") == "one":
        return
    for item in items:
        if mark := item.get_closest_marker("one_process"):
            item.add_marker(pytest.mark.skip(reason=f"with --profile full: {mark.args[0]}"))


def tool(name):
    """A program of the virtual environment that these tests run in, or of the machine."""
    beside = pathlib.Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is not installed: see tests/requirements.txt"
    return found


class Problem(Exception):
    """An answer of 400 and more, with the problem that came with it."""

    def __init__(self, response):
        self.status, self.headers = response.status_code, response.headers
        self.problem = response.json() if "json" in response.headers.get("Content-Type", "") else {}
        super().__init__(f"{self.status} {self.problem}")


class Client:
    """The public API as one caller sees it."""

    def __init__(self, url, token=None, api_key=None):
        self.url, self.session = url, requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"
        if api_key:
            self.session.headers["X-Api-Key"] = api_key

    def call(self, verb, path, body=None, headers=None, **params):
        answer = self.session.request(verb, self.url + path, json=body, headers=headers, params=params or None, timeout=30)
        if answer.status_code >= 400:
            raise Problem(answer)
        return answer.json() if answer.content else {}

    def get(self, path, **params):
        return self.call("GET", path, **params)

    def post(self, path, body=None, key=None, **headers):
        all_headers = {k.replace("_", "-"): v for k, v in headers.items()}
        if key:
            all_headers["Idempotency-Key"] = key
        return self.call("POST", path, body if body is not None else {}, all_headers)


class Platform:
    """One `bitvelocity up` on a data directory and port of its own."""

    profile = "one"  # of those that name none

    def __init__(self, folder, settings=()):
        self.folder, self.settings, self.process, self.url = pathlib.Path(folder), list(settings), None, None
        if self.profile != "one" and not any(s.startswith("profile=") for s in settings):
            self.settings.append(f"profile={self.profile}")

    def run(self, *arguments, timeout=300, stdin=subprocess.DEVNULL):
        done = subprocess.run([BINARY, *arguments, "--data-dir", str(self.folder)], capture_output=True, text=True, timeout=timeout, stdin=stdin)
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, timeout=None):
        timeout = timeout or (120 if "profile=full" in self.settings else 60)
        command = [BINARY, "up", "--data-dir", str(self.folder)]
        for s in self.settings:
            command += ["--set", s]
        if not any(s.startswith("http.port=") for s in self.settings):
            command += ["--port", "0"]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        self.output = open(self.folder / "up.out", "w+")
        self.process = subprocess.Popen(command, stdout=self.output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            state = self.state()
            if state.get("ready") and state.get("pid") == self.process.pid:
                self.url = state["url"]
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the platform did not start:\n{(self.folder / 'up.out').read_text()}")

    def state(self):
        try:
            return json.loads((self.folder / "platform.json").read_text())
        except (OSError, ValueError):
            return {}

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def kill(self):
        """As a power cut would: no chance to clean up."""
        self.process.kill()
        self.process.wait(30)

    def sql(self, text):
        """Runs SQL as the database's administrator, at the private server, also while the platform is down; rows of columns."""
        postmaster = (self.folder / "postgres/pgdata/postmaster.pid").read_text().split("\n")
        environment = {**os.environ, "PGPASSWORD": (self.folder / "postgres/admin.password").read_text().strip()}
        psql = shutil.which("psql") or "/usr/lib/postgresql/15/bin/psql"
        done = subprocess.run([psql, "-X", "-q", "-At", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", postmaster[4], "-p", postmaster[3], "-U", "bv_admin",
                               "-d", "bitvelocity", "-c", text], env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def processes(self):
        """Of the roles, when each is a process of its own."""
        try:
            return json.loads((self.folder / "roles.json").read_text())["processes"]
        except OSError:
            return []

    def metrics_text(self):
        """/metrics of every process."""
        internal = [f"http://127.0.0.1:{p['port']}" for p in self.processes() if p["ready"] and p["role"] != "gateway"]
        return "".join(requests.get(url + "/metrics", timeout=10).text for url in [self.url, *internal])

    def log_lines(self):
        """{log: its entries} of every process, those that are not JSON left out."""
        return {f.stem: [json.loads(line) for line in f.read_text().splitlines() if line.startswith("{")] for f in (self.folder / "log").glob("*.log")}

    def verified(self):
        """That every invariant holds."""
        stores = [word for s in self.settings if s.startswith(("database.url=", "provider.url=")) for word in ("--set", s)]
        result = self.run("verify", *stores)
        assert result.code == 0, result.out + result.err

    def secret(self, name):
        result = self.run("secret", name)
        assert result.code == 0, result.err
        return result.out.strip()

    def client(self, **kwargs):
        return Client(self.url, **kwargs)

    def operator(self):
        return self.client(api_key=self.secret("dev.operator.api_key"))

    def importer(self):
        return self.client(api_key=self.secret("dev.importer.api_key"))

    def again(self, shopper):
        """The same customer, logged in after a restart: another port is another issuer of tokens."""
        pair = self.client().post("/v1/sessions", {"email": shopper.email, "password": shopper.password})
        client = self.client(token=pair["accessToken"])
        client.id, client.email, client.password, client.refresh = shopper.id, shopper.email, shopper.password, pair["refreshToken"]
        return client

    def shopper(self):
        """A new customer, logged in."""
        anyone, email, password = self.client(), f"{uuid.uuid4().hex}@example.com", "correct horse " + uuid.uuid4().hex
        account = anyone.post("/v1/accounts", {"email": email, "password": password, "displayName": "A shopper"})
        pair = anyone.post("/v1/sessions", {"email": email, "password": password})
        client = self.client(token=pair["accessToken"])
        client.id, client.email, client.password, client.refresh = account["id"], email, password, pair["refreshToken"]
        return client


def alive(pid):
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().split(")")[1].split()[0] != "Z"
    except OSError:
        return False


FINAL = {"ORDER_STATUS_CONFIRMED", "ORDER_STATUS_CANCELLED", "ORDER_STATUS_RETURNED"}


def wait_for(what, timeout=30, every=0.05):
    """Until what() is truthy; gives it back."""
    end = time.monotonic() + timeout
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(every)


def place(client, lines, method="card_ok", key=None, **more):
    return client.post("/v1/orders", {"lines": [{"sku": s, "quantity": q} for s, q in lines], "currency": "GBP", "paymentMethod": method, **more},
                       key=key or str(uuid.uuid4()))


def final(client, order_id, timeout=30):
    def look():
        order = client.get(f"/v1/orders/{order_id}")
        return order if order["status"] in FINAL else None
    return wait_for(look, timeout)


def free_ports(count):
    """Not of those that the system gives to whoever asks for any: what listens there may end and listen there again."""
    first = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found = []
    for port in random.sample(range(10_000, first), 1000):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no port is free")


def free_port():
    return free_ports(1)[0]


def scratch_folder():
    # In /tmp, so that the database account reaches it and the socket's path is short.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bv-test-"))
    folder.chmod(0o711)
    return folder


UNLIMITED = ("limits.anonymous_per_minute=1000000", "limits.user_per_minute=1000000")


@contextlib.contextmanager
def platforms():
    """Makes platforms on a folder of their own, and ends what they leave. They are not started yet."""
    folder, made = scratch_folder(), []

    def make(*settings):
        p = Platform(folder / "data", [*UNLIMITED, *settings])
        made.append(p)
        return p

    try:
        yield make
    finally:
        for p in made:
            p.stop()
            p.run("down")
        # Some thousand small files: nobody need wait for it.
        subprocess.Popen(["rm", "-rf", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


@pytest.fixture(scope="session")
def platform():
    """One that tests share: each with accounts and articles of its own."""
    with platforms() as make:
        yield make().start()


@pytest.fixture(scope="module")
def module_platform():
    """One for the tests of a file."""
    with platforms() as make:
        yield make().start()


@pytest.fixture
def own_platform():
    """For tests that break things: makes them, not started."""
    with platforms() as make:
        yield make


@pytest.fixture
def shop(platform):
    """SKUs with stock, made for one test."""
    operator = platform.operator()

    def make(stock, price=1000, **more):
        sku = "T-" + uuid.uuid4().hex[:12]
        operator.post("/v1/products", {"sku": sku, "name": f"Test article {sku}", "prices": [{"currency": "GBP", "minorUnits": price}], "onSale": True, **more})
        if stock:
            operator.post(f"/v1/stock/{sku}:receive", {"quantity": stock, "reference": "first " + sku})
        return sku
    return make
