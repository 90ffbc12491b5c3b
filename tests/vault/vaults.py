"""A Vault for a test, set up by infra/vault/configure as an operator would."""

import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import ROOT, scratch_folder
from double import Double
from postgres_server import PostgresServer


class Configured:
    """A Vault, and the settings by which a platform uses it."""

    def __init__(self, server, folder):
        self.server, self.folder, self.settings = server, pathlib.Path(folder), []
        self.always, self.more = (), []  # arguments of configure, and settings, that each call of configure() has

    def configure(self, *arguments):
        done = subprocess.run([ROOT / "infra/vault/configure", "--secret-id-file", self.folder / "secret-id", "--audit", self.folder / "audit.log", *self.always, *arguments],
                              env=os.environ | {"VAULT_ADDR": self.server.url, "VAULT_TOKEN": "root"}, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        self.settings = ["secrets.backend=vault", *done.stdout.split(), "vault.call_timeout=1s", *self.more]
        if "--database" not in self.always:
            self.settings.append("vault.database=")
        return self

    @property
    def kv(self):
        """What the platform keeps: {name: document}."""
        return {name.removeprefix("bitvelocity/"): versions[-1] for name, versions in self.server.mounts["secret"].all.items() if versions[-1]}

    def with_setting(self, setting):
        key = setting.split("=")[0]
        return [s for s in self.settings if not s.startswith(f"{key}=")] + [setting]


@pytest.fixture
def vault():
    """One without database logins."""
    folder, server = scratch_folder(), Double().start()
    yield Configured(server, folder).configure()
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def postgres():
    """A server that others run."""
    folder = scratch_folder()
    with PostgresServer(folder / "server") as s:
        yield s
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def vault_and_postgres(postgres):
    """A Vault that makes logins of a few seconds in a database of the test's own."""
    folder, server = scratch_folder(), Double().start()
    postgres.psql("DROP DATABASE IF EXISTS shop WITH (FORCE)")
    postgres.psql("CREATE DATABASE shop")
    (folder / "password").write_text(postgres.password)
    made = Configured(server, folder)
    made.always = ("--database", f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{postgres.port}/shop", "--database-user", "owner",
                   "--database-password-file", folder / "password", "--lease", "6s", "--longest-lease", "14s")
    made.more = [f"database.url={postgres.conninfo(database='shop')}"]
    made.configure()
    yield made
    server.stop()
    server.mounts["database"].close()
    shutil.rmtree(folder, ignore_errors=True)


def vault_module(p):
    """What /v1/platform/status says of Vault."""
    return next(m for m in p.operator().get("/v1/platform/status")["modules"] if m["name"] == "vault")
