"""What a bench runs in: programs, a scratch directory, and processes that end with it."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile


class CannotMeasure(Exception):
    """Something that the bench needs is not there; says what, and how to get it."""


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "unknown")
    return {"cores": os.cpu_count(), "cpu": model, "load_average": os.getloadavg()}


def ensure(*packages):
    """Debian packages that a bench compares with: installed when missing, after saying which and how large."""

    def installed(package):
        r = subprocess.run(["dpkg-query", "-W", "-f=${db:Status-Status}", package], capture_output=True, text=True)
        return r.stdout == "installed"

    missing = [p for p in packages if not installed(p)]
    if not missing:
        return
    plan = subprocess.run(["apt-get", "install", "--assume-no", "--no-install-recommends", *missing], capture_output=True, text=True).stdout
    sizes = ", ".join(line.strip() for line in plan.splitlines() if line.startswith(("Need to get", "After this operation")))
    print(f"   installing {', '.join(missing)}: {sizes or 'size unknown'}", flush=True)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        command = ["sudo", "-n", *command]
    # Debian would start a web server of its own.
    r = subprocess.run(command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}, capture_output=True, text=True)
    if r.returncode != 0:
        raise CannotMeasure(f"{', '.join(missing)} could not be installed: {r.stderr.strip().splitlines()[-1] if r.stderr.strip() else 'no reason given'}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Run:
    """One run of one bench."""

    def __init__(self, build, rounds=None, seconds=None):
        self.build, self._rounds, self._seconds = build, rounds, seconds
        self.folder, self.children = None, []

    def rounds(self, default):
        return self._rounds or default

    def seconds(self, default):
        return self._seconds or default

    def program(self, path):
        found = self.build / path
        if not found.exists():
            target = pathlib.Path(path).name
            raise CannotMeasure(f"{found} is not built: cmake --build --preset release --target {target}")
        return str(found)

    def start(self, command, **options):
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
        self.children.append(child)
        return child

    def stop(self, child, how=signal.SIGTERM, timeout=60):
        if child.poll() is None:
            child.send_signal(how)
            try:
                child.wait(timeout)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(10)
        if child in self.children:
            self.children.remove(child)

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bv-bench-"))
        self.folder.chmod(0o711)  # the database's account passes through
        return self

    def __exit__(self, *_):
        for child in list(reversed(self.children)):
            self.stop(child)
        shutil.rmtree(self.folder, ignore_errors=True)
