"""A PostgreSQL server of the test's own, on TCP with passwords: what an existing server is to the platform."""

import contextlib
import os
import pathlib
import pwd
import secrets
import signal
import subprocess

from conftest import free_port, wait_for

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")


class PostgresServer:
    """Made in `folder`, whose parents an unprivileged account can enter. PostgreSQL does not run as root, so root hands it to `postgres`."""

    def __init__(self, folder):
        self.folder, self.port, self.password, self.process = pathlib.Path(folder), free_port(), secrets.token_hex(16), None
        self.account = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}

    def __enter__(self):
        self.folder.mkdir()
        word = self.folder / "password"
        word.write_text(self.password)
        if self.account:
            owner = pwd.getpwnam("postgres")
            for path in (self.folder, word):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        subprocess.run([BIN / "initdb", "-D", self.folder / "data", "-U", "owner", f"--pwfile={word}", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
                       check=True, capture_output=True, cwd="/", **self.account)
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self.__exit__)
            self.start()
            on_failure.pop_all()
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.stop(signal.SIGQUIT)

    def start(self):
        """Returns when it answers: a crash is recovered from by then."""
        with open(self.folder / "log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([BIN / "postgres", "-D", self.folder / "data", "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                                             "-c", "unix_socket_directories="], stdout=log, stderr=log, cwd="/", **self.account)
        wait_for(lambda: self.psql("SELECT 1", check=False).returncode == 0, 60)

    def stop(self, how=signal.SIGINT):
        """SIGINT ends sessions and writes a checkpoint; SIGQUIT ends at once, as a crash does."""
        self.process.send_signal(how)
        self.process.wait(60)

    def psql(self, sql, database="postgres", check=True):
        """As the superuser."""
        return subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo(database=database), "-c", sql], capture_output=True, text=True, check=check, timeout=60)

    def conninfo(self, user="owner", password=None, database="postgres", port=None):
        return f"host=127.0.0.1 port={port or self.port} dbname={database} user={user} password={password or self.password}"
