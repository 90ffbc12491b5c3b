"""A platform whose jobs RabbitMQ announces, with a private server."""

import os
import pathlib
import subprocess
import sys

import pytest

from conftest import ROOT, wait_for

sys.path.insert(0, str(ROOT / "tests/faults"))


@pytest.fixture(scope="session")
def server_program():
    if not pathlib.Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists():
        pytest.skip("there is no rabbitmq-server: apt-get install --no-install-recommends rabbitmq-server")


@pytest.fixture
def rabbitmq_platform(own_platform, server_program):
    """Makes them; not started."""
    def make(*settings):
        return own_platform("stack.with=rabbitmq", "rabbitmq.heartbeat=2s", *settings)
    return make


def control(p, *words):
    """rabbitmqctl for the platform's private server."""
    done = subprocess.run([p.folder / "rabbitmq/ctl", *words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def status(p):
    return p.operator().get("/v1/platform/status")


def trouble(p):
    """What the platform says of its jobs; empty when all is well."""
    return " ".join(m.get("reason", "") for m in status(p)["modules"] if m["name"].startswith("jobs"))


def jobs(p):
    """(waiting, dead)"""
    return [(int(w), int(d)) for w, d in p.sql("SELECT count(*) FILTER (WHERE dead_at IS NULL), count(*) FILTER (WHERE dead_at IS NOT NULL) FROM notification.jobs")][0]


def listening(pid):
    """Addresses that a process and its children listen on."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    inodes = set()
    for one in [pid, *map(int, children)]:
        for fd in pathlib.Path(f"/proc/{one}/fd").iterdir():
            try:
                target = os.readlink(fd)
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    out = set()
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in inodes:
                out.add(words[1].split(":")[0])
    return out


def all_told(p, timeout=120):
    """Every outcome has its mail: no job is left, each delivery is sent, and there is a file for each notice and no other."""
    wait_for(lambda: jobs(p) == (0, 0), timeout, 0.2)
    told = {row[0] for row in p.sql("SELECT id FROM notification.notifications")}
    assert told
    assert p.sql("SELECT count(*) FROM notification.deliveries WHERE status <> 2") == [["0"]]
    assert {f.stem for f in (p.folder / "mail").rglob("*.eml")} == told
