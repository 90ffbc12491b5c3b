"""The platform on a PostgreSQL that others run: over TCP, with a password, as a role that is no superuser."""

import shutil
import socket
import struct
import subprocess
import threading

import pytest

from conftest import BINARY, final, free_port, place, scratch_folder
from postgres_server import PostgresServer

@pytest.fixture(scope="module")
def server():
    folder = scratch_folder()
    with PostgresServer(folder / "server") as s:
        for sql in ("CREATE ROLE shop LOGIN CREATEROLE PASSWORD 'shop-secret'", "CREATE DATABASE shop OWNER shop",
                    "CREATE ROLE poor LOGIN PASSWORD 'poor-secret'", "CREATE ROLE half LOGIN CREATEROLE PASSWORD 'half-secret'"):
            s.psql(sql)
        yield s
    shutil.rmtree(folder, ignore_errors=True)


def shop(server, user="shop", password="shop-secret", database="shop"):
    return server.conninfo(user, password, database)


def refused(tmp_path, url):
    done = subprocess.run([BINARY, "up", "--port", "0", "--data-dir", str(tmp_path / "data"), "--database-url", url], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 1, done
    assert "secret" not in done.stderr, "a password was printed"
    return done.stderr


def test_an_order_on_it_and_it_stays_when_the_platform_goes(server, own_platform):
    p = own_platform(f"database.url={shop(server)}").start()
    shopper, sku = p.shopper(), p.client().get("/v1/products")["products"][0]["sku"]
    order = place(shopper, [(sku, 1)])
    assert final(shopper, order["id"])["status"] == "ORDER_STATUS_CONFIRMED"
    assert "give the same database.url" in p.run("verify").err
    verified = p.run("verify", "--set", f"database.url={shop(server)}")
    assert verified.code == 0, verified
    assert not (p.folder / "postgres/pgdata").exists(), "no private one beside it"
    assert p.run("down").code == 0
    assert server.process.poll() is None
    assert server.psql("SELECT count(*) FROM orders.events WHERE version = 1", "shop").stdout.strip() == "1"
    p.start()
    assert p.again(shopper).get(f"/v1/orders/{order['id']}")["status"] == "ORDER_STATUS_CONFIRMED"


def test_a_wrong_password(server, tmp_path):
    said = refused(tmp_path, shop(server, password="wrong-secret"))
    assert "password authentication failed" in said and "Check user, password and dbname" in said


def test_a_database_that_is_not_there(server, tmp_path):
    assert 'database "nowhere" does not exist' in refused(tmp_path, shop(server, database="nowhere"))


def test_a_role_without_the_rights(server, tmp_path):
    assert 'ALTER ROLE "poor" CREATEROLE' in refused(tmp_path, shop(server, "poor", "poor-secret"))
    assert 'GRANT CREATE ON DATABASE "shop" TO "half"' in refused(tmp_path, shop(server, "half", "half-secret"))


def test_a_server_that_is_away(tmp_path):
    said = refused(tmp_path, f"host=127.0.0.1 port={free_port()} dbname=shop user=shop password=shop-secret")
    assert "Connection refused" in said and "that the server runs" in said


def test_a_server_that_is_too_old(tmp_path):
    def message(kind, body):
        return kind + struct.pack("!i", len(body) + 4) + body

    def speak(listener):
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            while True:  # SSLRequest and GSSENCRequest have 8 bytes; the start-up message follows
                size, code = struct.unpack("!ii", peer.recv(8, socket.MSG_WAITALL))
                peer.recv(size - 8, socket.MSG_WAITALL) if size > 8 else None
                if code == 196608:
                    break
                peer.sendall(b"N")
            peer.sendall(message(b"R", struct.pack("!i", 0)) + message(b"S", b"server_version\x0012.17\x00") + message(b"K", struct.pack("!ii", 1, 1)) + message(b"Z", b"I"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=speak, args=(listener,), daemon=True).start()
        said = refused(tmp_path, f"host=127.0.0.1 port={listener.getsockname()[1]} dbname=shop user=shop password=shop-secret")
        assert "PostgreSQL 12" in said and "15 or newer" in said
