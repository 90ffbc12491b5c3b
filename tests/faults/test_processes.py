"""Processes stand still, die, run out of connections, disk or time, under load; then what shoppers were told still holds."""

import contextlib
import email.utils
import os
import pathlib
import signal
import struct
import subprocess
import time

import pytest
import requests
from history import Shopping

from conftest import free_port, platforms, scratch_folder, wait_for

END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'bv\\_%' AND usename <> 'bv_admin'"


def tree(pid):
    """The process and its children, as PostgreSQL has them."""
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return [pid, *map(int, children)]


def freeze(pids, seconds):
    assert all(pid > 0 for pid in pids), "a process that has ended has none, and 0 is all of our own group"
    stopped = []
    try:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
            except ProcessLookupError:
                pass
        time.sleep(seconds)
    finally:
        for pid in stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass


@pytest.fixture
def shop_at(own_platform):
    """A platform and shoppers in it; checked at the end."""
    p = own_platform().start()
    yield p, Shopping(p)


def test_a_database_that_stands_still(shop_at):
    p, shopping = shop_at
    with shopping:
        freeze(tree(p.state()["postgres_pid"]), 6)
        shopping.until(8)
    shopping.check()


def test_a_platform_that_stands_still(shop_at):
    p, shopping = shop_at
    with shopping:
        freeze([p.process.pid], 6)
        shopping.until(8)
    shopping.check()


def test_a_provider_that_stands_still(shop_at):
    p, shopping = shop_at
    with shopping:
        freeze([p.state()["provider_pid"]], 6)
        shopping.until(8)
    shopping.check()


def test_a_database_that_is_killed_again_and_again(shop_at):
    p, shopping = shop_at
    with shopping:
        for _ in range(3):
            killed = p.state()["postgres_pid"]
            os.kill(killed, signal.SIGKILL)
            wait_for(lambda: p.state().get("postgres_pid") not in (killed, None), 60)  # noqa: B023
            shopping.until(4, timeout=90)
    shopping.check()


def test_a_backend_of_the_database_that_is_killed(shop_at):
    """One dead backend makes PostgreSQL end all others and recover."""
    p, shopping = shop_at
    with shopping:
        backends = [int(row[0]) for row in p.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'bv_orders'")]
        os.kill(backends[0], signal.SIGKILL)
        shopping.until(8, timeout=90)
    shopping.check()


def test_sessions_that_an_administrator_ends(shop_at):
    p, shopping = shop_at
    with shopping:
        for _ in range(5):
            p.sql(END_SESSIONS)
            time.sleep(0.5)
        shopping.until(8, timeout=90)
    shopping.check()


def test_a_platform_that_is_killed_under_load(own_platform):
    p = own_platform(f"http.port={free_port()}").start()
    shopping = Shopping(p)
    with shopping:
        for _ in range(2):
            p.kill()
            p.start()
            shopping.until(4, timeout=90)
    shopping.check()


def test_a_database_whose_connections_are_all_taken(shop_at):
    p, shopping = shop_at
    postmaster = (p.folder / "postgres/pgdata/postmaster.pid").read_text().split("\n")
    environment = {**os.environ, "PGPASSWORD": (p.folder / "postgres/admin.password").read_text().strip()}
    psql = ["psql", "-XqAt", "-h", postmaster[4], "-p", postmaster[3], "-U", "bv_admin", "-d", "bitvelocity"]
    with contextlib.ExitStack() as greedy, shopping:
        sessions = []
        for _ in range(int(p.sql("SHOW max_connections")[0][0]) + 10):
            sessions.append(subprocess.Popen(psql, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment))
            greedy.callback(sessions[-1].wait, 10)
            greedy.callback(sessions[-1].kill)
        wait_for(lambda: any(s.poll() is not None for s in sessions), 30)  # some were refused: no place is left
        # The platform's own sessions end, and it has to come in again.
        open_one = next(s for s in sessions if s.poll() is None)
        open_one.stdin.write((END_SESSIONS + ";\n").encode())
        open_one.stdin.flush()
        time.sleep(4)
        greedy.close()
        shopping.until(8, timeout=90)
    shopping.check()


@pytest.fixture
def small_disk():
    """A file system of 400 MB of its own."""
    folder = scratch_folder()
    mounted = os.getuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m,mode=0711", "tmpfs", str(folder)], capture_output=True, check=False).returncode == 0
    if not mounted:
        folder.rmdir()
        pytest.skip("no file system may be mounted here (root is needed)")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)
    folder.rmdir()


def test_a_disk_that_is_full_for_a_while(small_disk):
    with platforms() as make:
        p = make()
        p.folder = small_disk / "data"
        p.start()
        shopping = Shopping(p)
        with shopping:
            ballast = small_disk / "ballast"
            with open(ballast, "wb") as f:
                try:
                    while True:
                        f.write(b"\0" * 65536)
                        f.flush()
                except OSError:
                    pass
            time.sleep(6)
            ballast.unlink()
            shopping.until(8, timeout=90)
        shopping.check()
        p.stop()


@pytest.fixture(scope="module")
def shifted_clock(tmp_path_factory):
    library = tmp_path_factory.mktemp("clock") / "shifted_clock.so"
    subprocess.run(["clang-19", "-shared", "-fPIC", "-O1", "-o", library, pathlib.Path(__file__).with_name("shifted_clock.c")], check=True)
    return library


@pytest.mark.parametrize("minutes", [90, -90])
def test_a_clock_that_jumps(own_platform, shifted_clock, monkeypatch, minutes):
    """The civil clock of the platform and its provider; their steady clock goes on, and so does the database's clock."""
    p = own_platform()
    p.folder.mkdir(parents=True)
    shift = p.folder / "clock"
    shift.write_bytes(struct.pack("l", 0))
    with monkeypatch.context() as environment:
        environment.setenv("LD_PRELOAD", str(shifted_clock))
        environment.setenv("SHIFTED_CLOCK_FILE", str(shift))
        p.start()
    shopping = Shopping(p)
    with shopping:
        jump(shift, 60 * minutes)
        wait_for(lambda: abs(told_time(p) - time.time() - 60 * minutes) < 60, 10)
        shopping.until(8, timeout=90)
        jump(shift, 0)
        shopping.until(8, timeout=90)
    shopping.check()


def told_time(p):
    return email.utils.parsedate_to_datetime(requests.get(p.url + "/", timeout=30).headers["Date"]).timestamp()


def jump(file, seconds):
    with open(file, "r+b") as f:
        f.write(struct.pack("l", seconds))
