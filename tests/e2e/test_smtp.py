"""Mail through a real SMTP server: one mail an outcome, whatever the relay answers and while it is away."""

import ssl
import threading

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from conftest import final, free_port, place, wait_for
from test_tls import certificate


class Relay:
    """Takes mails, or answers what `answer(envelope)` says."""

    def __init__(self, port=None, **more):
        self.mails, self.answer, self.lock = [], lambda envelope: None, threading.Lock()
        self.seen = []  # (recipient, answer)
        self.port = port or free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, **more)

    async def handle_DATA(self, server, session, envelope):
        with self.lock:
            said = self.answer(envelope) or "250 taken"
            self.seen.append((envelope.rcpt_tos[0], said))
            if said.startswith("250"):
                self.mails.append((envelope.rcpt_tos[0], envelope.content.decode()))
        return said

    def start(self):
        self.controller.start()
        return self

    def stop(self):
        self.controller.stop()

    def of(self, shopper):
        return [text for to, text in self.mails if to == shopper.email]


def confirmed(p):
    shopper, sku = p.shopper(), p.client().get("/v1/products")["products"][0]["sku"]
    assert final(shopper, place(shopper, [(sku, 1)])["id"])["status"] == "ORDER_STATUS_CONFIRMED"
    return shopper


def deliveries(p):
    counted = p.sql("SELECT status, count(*) FROM notification.deliveries GROUP BY status")
    return {int(s): int(n) for s, n in counted}  # 1 queued, 2 sent, 3 given up, 4 no address


@pytest.fixture
def relay():
    r = Relay().start()
    yield r
    r.stop()


def test_one_mail_an_outcome(own_platform, relay):
    p = own_platform("mail.smtp_host=127.0.0.1", f"mail.smtp_port={relay.port}").start()
    shopper, sku = confirmed(p), p.client().get("/v1/products")["products"][0]["sku"]
    declined = place(shopper, [(sku, 1)], method="card_declined")
    assert final(shopper, declined["id"])["status"] == "ORDER_STATUS_CANCELLED"
    wait_for(lambda: len(relay.of(shopper)) == 2)
    wait_for(lambda: deliveries(p) == {2: 2})
    assert len({line for text in relay.of(shopper) for line in text.splitlines() if line.lower().startswith("message-id:")}) == 2


def test_a_relay_that_is_away_loses_nothing(own_platform):
    relay = Relay()  # not started
    p = own_platform("mail.smtp_host=127.0.0.1", f"mail.smtp_port={relay.port}").start()
    shoppers = [confirmed(p) for _ in range(3)]
    wait_for(lambda: deliveries(p) == {1: 3})
    wait_for(lambda: p.sql("SELECT min(attempts) FROM notification.deliveries") != [["0"]])
    relay.start()
    try:
        wait_for(lambda: deliveries(p) == {2: 3}, 60)
        assert [len(relay.of(s)) for s in shoppers] == [1, 1, 1]
    finally:
        relay.stop()


def test_greylisting_is_waited_out_and_a_refusal_is_final(own_platform, relay):
    p = own_platform("mail.smtp_host=127.0.0.1", f"mail.smtp_port={relay.port}").start()
    relay.answer = lambda envelope: None if any(to == envelope.rcpt_tos[0] for to, _ in relay.seen) else "451 4.7.1 greylisted, try again"
    grey = confirmed(p)
    wait_for(lambda: len(relay.of(grey)) == 1, 60)
    assert [said[:3] for to, said in relay.seen if to == grey.email] == ["451", "250"]
    relay.answer = lambda envelope: "550 5.1.1 no such user"
    unknown = confirmed(p)
    wait_for(lambda: deliveries(p) == {2: 1, 3: 1}, 30)
    assert [said[:3] for to, said in relay.seen if to == unknown.email] == ["550"], "not tried again"
    error = p.sql("SELECT last_error FROM notification.deliveries WHERE status = 3")[0][0]
    assert "550" in error and unknown.email not in error


def test_a_mail_that_was_given_up_is_a_dead_letter_and_sent_when_it_is_replayed(own_platform, relay):
    p = own_platform("mail.smtp_host=127.0.0.1", f"mail.smtp_port={relay.port}").start()
    relay.answer = lambda envelope: "550 5.1.1 no such user"
    shopper = confirmed(p)
    wait_for(lambda: deliveries(p) == {3: 1}, 30)
    notice = p.sql("SELECT notification_id FROM notification.deliveries")[0][0]
    listed = p.run("dlq", "list", "--group", "mail")
    assert notice in listed.out and "deliver_mail" in listed.out and "550" in listed.out and shopper.email not in listed.out
    assert "550" in p.run("dlq", "show", "mail", notice).out
    relay.answer = lambda envelope: None
    assert p.run("dlq", "replay", "mail").out == "replayed 1, failed 0\n"
    wait_for(lambda: deliveries(p) == {2: 1}, 30)
    assert len(relay.of(shopper)) == 1
    assert "No dead letters" in p.run("dlq", "list").out


def test_starttls_and_a_log_in(own_platform, tmp_path):
    chain, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    logged_in = []

    def authenticate(server, session, envelope, mechanism, data):
        logged_in.append((mechanism, data.login, session.ssl is not None))
        return AuthResult(success=data.password == b"relay-secret")

    relay = Relay(tls_context=context, require_starttls=True, authenticator=authenticate, auth_required=True).start()
    try:
        p = own_platform("mail.smtp_host=localhost", f"mail.smtp_port={relay.port}", "mail.smtp_security=starttls", f"mail.smtp_ca_file={chain}",
                         "mail.smtp_user=shop", "mail.smtp_password=relay-secret").start()
        shopper = confirmed(p)
        wait_for(lambda: len(relay.of(shopper)) == 1)
        assert logged_in[0] == ("PLAIN", b"shop", True)
    finally:
        relay.stop()
