"""Roles that no supervisor starts, as systemd or several machines run them: settings say where the others are, files who one is."""

import json
import os
import signal
import socket
import subprocess

import pytest
import requests
import yaml

from conftest import BINARY, Platform, final, free_ports, place, scratch_folder, wait_for
from postgres_server import PostgresServer

ROLES = ("audit", "identity", "product", "inventory", "payment", "order", "notification", "gateway")  # as they call each other


class Unsupervised(Platform):
    """A process for each role, over a PostgreSQL of others, each started by itself."""

    def __init__(self, folder, server):
        super().__init__(folder / "data")
        self.home, self.children = folder, {}
        edge, provider, *ports = free_ports(2 + len(ROLES))
        self.ports = dict(zip(ROLES, ports, strict=True))
        self.url = f"http://127.0.0.1:{edge}"
        self.config = folder / "bitvelocity.yaml"
        self.config.write_text(yaml.safe_dump({
            "data": {"directory": str(self.folder)}, "database": {"url": server.conninfo("shop", "shop-secret", "shop")},
            "http": {"port": edge, "public_url": self.url}, "provider": {"url": f"http://127.0.0.1:{provider}"},
            "limits": {"anonymous_per_minute": 1000000, "user_per_minute": 1000000}, "runtime": {"cores": 1},
            "peers": {"addresses": [f"{role}=127.0.0.1:{port}" for role, port in self.ports.items()]}}))
        self.provider = ["provider", "--port", str(provider), "--platform-url", self.url]

    def run(self, *arguments, **more):
        return super().run(*arguments, "--config", str(self.config), **more)

    def log(self, role):
        return self.home / f"{role}.log"

    def spawn(self, name, *arguments):
        with open(self.log(name), "a", encoding="utf-8") as log:
            self.children[name] = subprocess.Popen([BINARY, *arguments, "--config", str(self.config), "--data-dir", str(self.folder)], stdout=log, stderr=log, start_new_session=True)

    def issue(self, role, *more, out=None):
        done = self.run("identity", "issue", "--role", role, "--out", str(out or self.home / role), *more)
        assert done.code == 0, done.err
        return done.out

    def arguments(self, role, files=None):
        files = files or self.home / role
        return ["serve", "--role", role, "--set", f"peers.listen=127.0.0.1:{self.ports[role]}", "--set", f"peers.certificate_file={files}/certificate.pem",
                "--set", f"peers.key_file={files}/key.pem", "--set", f"peers.ca_file={files}/ca.pem"]

    def serve(self, role):
        self.spawn(role, *self.arguments(role))
        wait_for(lambda: self.children[role].poll() is not None or self.is_ready(role), 60)
        assert self.children[role].poll() is None, self.log(role).read_text()

    def is_ready(self, role):
        try:
            return requests.get(f"http://127.0.0.1:{self.ports[role]}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def events(self, role):
        return [json.loads(line)["event"] for line in self.log(role).read_text().splitlines() if line.startswith("{")]

    def start(self, timeout=None):
        done = self.run("migrate")
        assert done.code == 0, done.err
        for role in ROLES:
            self.issue(role)
        self.spawn("provider", *self.provider)
        for role in ROLES:
            self.serve(role)
        return self

    def stop(self):
        for child in reversed(list(self.children.values())):
            child.send_signal(signal.SIGTERM)
        for child in self.children.values():
            child.wait(60)


@pytest.fixture(scope="module")
def alone():
    folder = scratch_folder()
    with PostgresServer(folder / "server") as server:
        for sql in ("CREATE ROLE shop LOGIN CREATEROLE PASSWORD 'shop-secret'", "CREATE DATABASE shop OWNER shop"):
            server.psql(sql)
        p = Unsupervised(folder, server)
        try:
            yield p.start()
        finally:
            p.stop()
    subprocess.Popen(["rm", "-rf", str(folder)], start_new_session=True)


def an_order(p):
    sku, shopper = p.operator().get("/v1/products", pageSize=1)["products"][0]["sku"], p.shopper()
    return final(shopper, place(shopper, [(sku, 1)])["id"], 60)["status"]


def test_an_order_goes_through_all_of_them(alone):
    assert an_order(alone) == "ORDER_STATUS_CONFIRMED"
    verified = alone.run("verify")
    assert verified.code == 0, verified.out + verified.err
    status = alone.operator().get("/v1/platform/status")
    assert status["ready"] and {one["role"] for one in status["processes"]} == set(ROLES) - {"gateway"}


def test_new_certificates_are_taken_while_it_runs(alone):
    pids = {role: child.pid for role, child in alone.children.items()}
    for role in ROLES:
        alone.issue(role)
    for role in ROLES:
        wait_for(lambda: "identity.replaced" in alone.events(role), 30)  # noqa: B023
    assert an_order(alone) == "ORDER_STATUS_CONFIRMED"
    assert pids == {role: child.pid for role, child in alone.children.items()} and all(child.poll() is None for child in alone.children.values())
    assert not {e for role in ROLES for e in alone.events(role)} & {"peer.refused", "tls.peer_refused", "identity.not_replaced"}


def test_a_role_that_is_killed_and_started_again_is_found_where_it_was(alone):
    os.kill(alone.children["order"].pid, signal.SIGKILL)
    alone.children["order"].wait(30)
    alone.serve("order")
    assert wait_for(lambda: an_order(alone), 60) == "ORDER_STATUS_CONFIRMED"


def refused(p, role, files):
    done = subprocess.run([BINARY, *p.arguments(role, files), "--config", str(p.config), "--data-dir", str(p.folder)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done
    return done.stderr


def test_a_certificate_that_peers_would_not_take_is_refused_at_the_start(alone):
    assert "spiffe://bitvelocity.internal/payment, not for spiffe://bitvelocity.internal/order" in refused(alone, "order", alone.home / "payment")
    other = alone.home / "of another authority"
    alone.issue("order", out=other)
    stranger = subprocess.run([BINARY, "identity", "issue", "--role", "order", "--out", str(alone.home / "stranger"), "--data-dir", str(alone.home / "elsewhere")],
                              capture_output=True, text=True, timeout=60, check=False)
    assert stranger.returncode == 0, stranger.stderr
    (other / "ca.pem").write_bytes((alone.home / "stranger/ca.pem").read_bytes())
    assert "peers will not take the certificate" in refused(alone, "order", other)
    (other / "key.pem").chmod(0o644)
    assert "everybody on this machine may read the private key" in refused(alone, "order", other)
    assert "cannot be read" in refused(alone, "order", alone.home / "nowhere")


def test_one_that_the_others_do_not_trust_is_not_spoken_to(alone):
    """Whole in itself, so that it starts; but of an authority of its own."""
    stranger = alone.home / "a stranger"
    done = subprocess.run([BINARY, "identity", "issue", "--role", "gateway", "--out", str(stranger), "--data-dir", str(alone.home / "of its own")],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    port = alone.ports["order"]
    spoken = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-cert", stranger / "certificate.pem", "-key", stranger / "key.pem", "-alpn", "h2", "-ign_eof"],
                            input="PRI * HTTP/2.0\r\n", capture_output=True, text=True, timeout=30, check=False)
    assert "alert" in spoken.stderr + spoken.stdout
    wait_for(lambda: "tls.peer_refused" in alone.events("order"), 10)


def test_without_files_and_without_a_supervisor_there_is_no_identity(alone):
    done = subprocess.run([BINARY, "serve", "--role", "order", "--config", str(alone.config)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "bv identity issue makes" in done.stderr
    done = subprocess.run([BINARY, *alone.arguments("order"), "--role", "payment", "--config", str(alone.config)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "names one role" in done.stderr


def test_a_port_that_is_taken_is_told(alone):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = alone.run(*[f"peers.listen=127.0.0.1:{port}" if word.startswith("peers.listen=") else word for word in alone.arguments("audit")], timeout=60)
    assert refused.code == 1, refused.err
    assert f"port {port} of 127.0.0.1 is taken" in refused.err, refused.err
