"""The programs of others that the interoperability tests run: built once, from Go modules whose checksums tools/go.sum has."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import socket
import subprocess

import pytest

from conftest import BUILD, ROOT

TOOLS = pathlib.Path(__file__).resolve().parent / "tools"


def go_programs():
    """The folder with client, server, h2spec, grpcurl and ghz; skips where they cannot be built."""
    pinned = hashlib.sha256((TOOLS / "go.mod").read_bytes() + (TOOLS / "go.sum").read_bytes()).hexdigest()[:16]
    folder = ROOT / "build/tools/interop" / pinned
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder
        if not shutil.which("go"):
            pytest.skip("Google's interop client and server, h2spec, grpcurl and ghz are left out: there is no Go here")
        fresh = folder.with_suffix(".new")
        built = subprocess.run(["go", "install", "-mod=readonly", "tool"], cwd=TOOLS, capture_output=True, text=True, check=False,
                               env=os.environ | {"GOBIN": str(fresh), "CGO_ENABLED": "0", "GOFLAGS": "-p=2"})
        if built.returncode != 0:
            pytest.skip(f"Google's interop client and server, h2spec, grpcurl and ghz are left out: they cannot be built: {built.stderr.strip()[-300:]}")
        fresh.rename(folder)
    return folder


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def own_server(*arguments):
    """The platform's interop server; the port that it listens on."""
    with subprocess.Popen([f"{BUILD}/tests/interop_server", "0", *map(str, arguments)], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


@contextlib.contextmanager
def gos_server(programs):
    """Google's; the port that it listens on."""
    port = free_port()
    with subprocess.Popen([programs / "server", f"--port={port}"], stderr=subprocess.DEVNULL) as process:
        try:
            yield port
        finally:
            process.terminate()


def own_client(port, case):
    done = subprocess.run([f"{BUILD}/tests/interop_client", str(port), case], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
