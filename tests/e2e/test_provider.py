"""A payment provider that is slow, loses answers, answers twice, or is away: money is taken once or not at all."""

import http.client
import http.server
import random
import subprocess
import threading
import time

import pytest

from conftest import BINARY, final, place, wait_for


class Between(http.server.ThreadingHTTPServer):
    """A proxy in front of the development provider that spoils what it passes on. `fault` names how."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.backend, self.fault, self.random, self.authorization, self.asked = None, "", random.Random(7), None, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.backend, timeout=20)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "content-length")}
        try:
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type", "application/json"), answer.read()
        finally:
            connection.close()

    def serve(self):
        s = self.server
        s.authorization, s.asked = self.headers["Authorization"], s.asked + 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        writes = self.command == "POST"
        try:
            if s.fault == "away" or s.backend is None:
                self.close_connection = True
                return
            if s.fault == "slow":
                time.sleep(s.random.uniform(0, 3))  # longer than the platform waits, now and then
            answer = self.forward(body)
            if s.fault == "twice" and writes:
                answer = self.forward(body)
            if s.fault == "lost" and writes and s.random.random() < 0.5:
                self.close_connection = True
                return
            if s.fault == "errors" and s.random.random() < 0.4:
                answer = (503, "application/json", b"{}")
            if s.fault == "nonsense" and s.random.random() < 0.4:
                answer = (200, "text/html", b"<html>Welcome to the hotel's network")
            self.send_response(answer[0])
            self.send_header("Content-Type", answer[1])
            self.send_header("Content-Length", str(len(answer[2])))
            self.end_headers()
            self.wfile.write(answer[2])
        except OSError:
            self.close_connection = True

    do_GET = do_POST = do_PUT = serve

    def log_message(self, *_):
        pass


@pytest.fixture
def spoiled(own_platform):
    """A platform, and what is between it and its provider."""
    between = Between()
    p = own_platform(f"provider.url={between.url}", "provider.timeout=1s")
    p.start()
    port_file = p.folder / "provider-port"
    provider = subprocess.Popen([BINARY, "provider", "--data-dir", str(p.folder), "--platform-url", p.url, "--port-file", str(port_file)],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        between.backend = int(wait_for(lambda: port_file.exists() and port_file.read_text().strip()))
        yield p, between
    finally:
        p.stop()
        provider.terminate()
        provider.wait(20)
        between.shutdown()
        between.server_close()


def settle(p, orders, shopper, expected):
    for order in orders:
        found = final(shopper, order, 90)
        assert found["status"] in expected, found
        if found["status"] == "ORDER_STATUS_CONFIRMED":
            total = int(found["total"]["minorUnits"])
            assert [int(x["captured"]["minorUnits"]) for x in shopper.get("/v1/payments", orderId=order)["payments"]] == [total]
    p.verified()


@pytest.mark.parametrize("fault", ["slow", "twice", "lost", "errors", "nonsense"])
def test_every_order_is_charged_once(spoiled, fault):
    p, between = spoiled
    shopper, sku = p.shopper(), p.client().get("/v1/products", pageSize=1)["products"][0]["sku"]
    between.fault = fault
    orders = [place(shopper, [(sku, 1)])["id"] for _ in range(6)]
    wait_for(lambda: between.asked >= 6, 60)
    time.sleep(2)
    between.fault = ""
    settle(p, orders, shopper, {"ORDER_STATUS_CONFIRMED", "ORDER_STATUS_CANCELLED"})


def test_a_provider_that_is_away_for_a_while_is_waited_for(spoiled):
    p, between = spoiled
    shopper, sku = p.shopper(), p.client().get("/v1/products", pageSize=1)["products"][0]["sku"]
    between.fault = "away"
    orders = [place(shopper, [(sku, 1)])["id"] for _ in range(3)]
    time.sleep(3)
    assert {shopper.get(f"/v1/orders/{o}")["status"] for o in orders} == {"ORDER_STATUS_RESERVED"}
    between.fault = ""
    settle(p, orders, shopper, {"ORDER_STATUS_CONFIRMED"})


def test_call_backs_that_come_twice_change_nothing(spoiled):
    p, between = spoiled
    shopper, sku = p.shopper(), p.client().get("/v1/products", pageSize=1)["products"][0]["sku"]
    final(shopper, place(shopper, [(sku, 1)])["id"])  # the proxy has seen the provider's key now
    connection = http.client.HTTPConnection("127.0.0.1", between.backend, timeout=10)
    connection.request("PUT", "/v1/behaviour", '{"duplicate_callback_rate": 1, "lost_answer_rate": 0.5}',
                       {"Authorization": between.authorization, "Content-Type": "application/json"})
    assert connection.getresponse().status < 300
    orders = [place(shopper, [(sku, 1)])["id"] for _ in range(8)]
    settle(p, orders, shopper, {"ORDER_STATUS_CONFIRMED"})
