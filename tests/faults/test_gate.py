"""The fault gate does what it says: without this, a scenario that passes may have met no fault."""

import contextlib
import socket
import threading
import time

import pytest
from gate import TO_CLIENT, TO_SERVER, Gate


@pytest.fixture
def echo():
    """A server that gives back what it gets; its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(s):
        with contextlib.suppress(OSError), s:
            while data := s.recv(65536):
                s.sendall(data)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()
    listener.close()


@pytest.fixture
def gate(echo):
    with Gate(echo) as g:
        yield g


def connect(gate, timeout=5):
    return socket.create_connection(("127.0.0.1", gate.port), timeout)


def ask(s, text=b"hello"):
    s.sendall(text)
    got = b""
    while len(got) < len(text):
        piece = s.recv(65536)
        if not piece:
            raise ConnectionError("closed")
        got += piece
    return got


def test_without_faults_bytes_pass_unchanged(gate):
    with connect(gate) as s:
        big = bytes(range(256)) * 4096
        threading.Thread(target=s.sendall, args=(big,), daemon=True).start()
        got = b""
        while len(got) < len(big):
            got += s.recv(65536)
        assert got == big and gate.passed == {TO_SERVER: len(big), TO_CLIENT: len(big)}


def test_delay_holds_each_way_up(gate):
    with connect(gate) as s:
        gate.delay(0.1)
        begun = time.monotonic()
        assert ask(s) == b"hello"
        assert time.monotonic() - begun >= 0.2


def test_split_makes_segments_of_their_own(gate):
    with connect(gate) as s:
        gate.split(1)
        assert ask(s, b"abc") == b"abc"
        assert gate.segments == {TO_SERVER: 3, TO_CLIENT: 3}


def test_throttle_bounds_the_rate(gate):
    with connect(gate) as s:
        gate.throttle(10_000)
        begun = time.monotonic()
        assert ask(s, b"x" * 4_000) == b"x" * 4_000
        assert time.monotonic() - begun >= 0.35


def test_reset_breaks_what_there_is_and_takes_new_connections(gate):
    with connect(gate) as s:
        assert ask(s) == b"hello"
        gate.reset()
        with pytest.raises(ConnectionResetError):
            s.recv(1)
    with connect(gate) as s:
        assert ask(s) == b"hello"
    assert gate.resets == 1


def test_silence_of_one_direction_loses_answers_and_not_requests(gate):
    with connect(gate, 0.5) as s:
        gate.silence(TO_CLIENT)
        s.sendall(b"hello")
        with pytest.raises(TimeoutError):
            s.recv(1)
        assert gate.passed[TO_SERVER] == 5
    gate.heal()
    with connect(gate) as s:
        assert ask(s) == b"hello"


def test_a_partition_also_hangs_new_connections_until_it_heals(gate):
    gate.partition()
    with connect(gate, 0.5) as s:
        s.sendall(b"hello")
        with pytest.raises(TimeoutError):
            s.recv(1)
    gate.heal()
    with connect(gate) as s:
        assert ask(s) == b"hello"


def test_refuse_leaves_the_connections_that_are_there(gate):
    with connect(gate) as s:
        assert ask(s) == b"hello"
        gate.refuse()
        with pytest.raises(ConnectionRefusedError):
            connect(gate)
        assert ask(s) == b"hello"
        gate.heal()
    with connect(gate) as s:
        assert ask(s) == b"hello"


def test_cut_after_ends_in_the_middle_of_a_message(gate):
    with connect(gate) as s:
        assert ask(s) == b"hello"
        gate.cut_after(3, TO_CLIENT)
        s.sendall(b"hello")
        got = b""
        with pytest.raises(ConnectionResetError):
            while piece := s.recv(100):
                got += piece
        assert got in (b"hel", b"")  # a reset may overtake bytes that were not read yet
    assert gate.resets == 1


def test_heal_forgets_a_cut_that_is_still_to_come(gate):
    with connect(gate) as s:
        assert ask(s) == b"hello"
        gate.cut_after(7, TO_CLIENT)
        assert ask(s) == b"hello"
        gate.heal()
        assert ask(s) == b"hello"
