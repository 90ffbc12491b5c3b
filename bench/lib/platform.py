"""A platform of the bench's own, and the API calls that prepare it."""

import json
import subprocess
import time
import urllib.error
import urllib.request

from lib import figures
from lib.environment import CannotMeasure


class Platform:
    """One `bitvelocity up` on a data directory and a port of its own; limits are out of the way unless settings say otherwise."""

    UNLIMITED = ("limits.user_per_minute=100000000", "limits.anonymous_per_minute=100000000", "limits.program_per_minute=100000000")

    def __init__(self, run, name, *settings):
        self.run, self.folder, self.settings = run, run.folder / name, [*self.UNLIMITED, *settings]
        self.binary = run.program("app/bitvelocity")
        self.process = self.state = None

    def start(self, timeout=120, under=()):
        """`under`: a command in front of it, such as a counter of instructions."""
        self.folder.mkdir(exist_ok=True)
        self.folder.chmod(0o711)
        command = [*under, self.binary, "up", "--data-dir", str(self.folder), "--port", "0"]
        for s in self.settings:
            command += ["--set", s]
        begun = time.monotonic()
        with open(self.folder / "up.out", "w") as out:
            self.process = self.run.start(command, stdout=out, stderr=subprocess.STDOUT)
        while time.monotonic() - begun < timeout:
            try:
                self.state = json.loads((self.folder / "platform.json").read_text())
                if self.state.get("ready") and self.state.get("pid") == self.process.pid:
                    self.seconds_to_ready = time.monotonic() - begun
                    return self
            except (OSError, ValueError):
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        raise CannotMeasure("the platform did not start: " + (self.folder / "up.out").read_text()[-600:])

    def stop(self):
        self.run.stop(self.process)

    @property
    def port(self):
        return self.state["port"]

    @property
    def url(self):
        return self.state["url"]

    def cpu(self):
        return figures.cpu(self.process.pid)

    def database_cpu(self):
        return figures.tree_cpu(self.state["postgres_pid"])

    def provider_cpu(self):
        return figures.tree_cpu(self.state["provider_pid"])

    def command(self, *arguments):
        r = subprocess.run([self.binary, *arguments, "--data-dir", str(self.folder)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if r.returncode != 0:
            raise CannotMeasure(f"bitvelocity {' '.join(arguments)}: {r.stderr.strip() or r.stdout.strip()}")
        return r.stdout.strip()

    def secret(self, name):
        return self.command("secret", name)

    def call(self, verb, path, body=None, headers=None):
        request = urllib.request.Request(self.url + path, method=verb, headers={"Content-Type": "application/json", **(headers or {})},
                                         data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as e:
            raise CannotMeasure(f"{verb} {path} was answered {e.code}: {e.read()[:300].decode()}") from e

    def call_text(self, path):
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return answer.read().decode()

    def shopper_token(self, name="bench"):
        email, password = f"{name}@bench.example", "correct-horse-battery"
        self.call("POST", "/v1/accounts", {"email": email, "password": password, "displayName": "Bench"})
        return self.call("POST", "/v1/sessions", {"email": email, "password": password})["accessToken"]

    def fill_catalogue(self, products=500, stock=100_000_000):
        """BENCH-000…, in stock; returns the SKUs."""
        key = {"X-Api-Key": self.secret("dev.importer.api_key")}
        skus = [f"BENCH-{n:03}" for n in range(products)]
        for at in range(0, products, 100):
            some = skus[at:at + 100]
            self.call("POST", "/v1/products:batchUpsert", {"products": [
                {"sku": s, "name": f"Bench product {s}", "description": "Of no use but to measure with.", "category": "bench", "onSale": True,
                 "prices": [{"currency": "GBP", "minorUnits": "1250"}]} for s in some]}, key)
            self.call("POST", "/v1/stock:batchReceive", {"reference": f"bench {at}", "items": [{"sku": s, "quantity": str(stock)} for s in some]}, key)
        return skus

    # --- its database, as the superuser ---

    def conninfo(self, database="bitvelocity"):
        folder = self.folder / "postgres"
        socket = (folder / "pgdata" / "postmaster.pid").read_text().splitlines()[4]
        password = (folder / "admin.password").read_text().strip()
        return f"host={socket} port=5432 user=bv_admin password={password} dbname={database}"

    def sql(self, text, database="bitvelocity"):
        r = subprocess.run(["/usr/lib/postgresql/15/bin/psql", "-XqtA", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo(database)], input=text,
                           capture_output=True, text=True)
        if r.returncode != 0:
            raise CannotMeasure(f"SQL failed: {r.stderr.strip()}")
        return [line.split("\t") for line in r.stdout.splitlines()]


def wrk(url, seconds, connections=32, headers=()):
    """Requests answered in a closed loop. Raises when any failed."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", url]
    for h in headers:
        command += ["-H", h]
    out = subprocess.run(command, capture_output=True, text=True).stdout
    requests = next((int(line.split()[0]) for line in out.splitlines() if " requests in " in line), 0)
    if requests == 0 or "Non-2xx" in out:
        raise CannotMeasure(f"the load on {url} failed: {out[-300:]}")
    return requests


def load(run, platform, call, arrivals=None, **how):
    """`bitvelocity load` with one call on a platform; its report. `how`: rate, callers, duration, warm_up; no accounts or articles are made."""
    scenario = run.folder / "load.yaml"
    scenario.write_text(json.dumps({**how, "calls": {"it": {"as": "anyone", **call}}}))  # JSON is YAML
    bound = ["--arrivals", str(arrivals)] if arrivals else []
    r = subprocess.run([platform.binary, "load", str(scenario), "--json", "--data-dir", str(platform.folder), *bound], capture_output=True, text=True)
    if not r.stdout:
        raise CannotMeasure(f"bitvelocity load: {r.stderr.strip()}")
    return json.loads(r.stdout)


def must_all_be_answered(found):
    if found["errors"]:
        raise CannotMeasure(f"requests were refused: {found['errors']}: {found['first_problem'][:300]}")
