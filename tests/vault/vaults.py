"""A Vault for a test, set up by infra/vault/configure as an operator would."""

import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import ROOT, scratch_folder
from double import Double
from postgres_server import PostgresServer
from server import Server, is_built


class Configured:
    """A Vault, and the settings by which a platform uses it."""

    def __init__(self, server, folder):
        self.server, self.folder, self.settings = server, pathlib.Path(folder), []
        (self.folder / "audit").mkdir(exist_ok=True)
        self.secret_id = "--secret-id-file", self.folder / "secret-id"
        self.always, self.more = (), []  # arguments of configure, and settings, that each call of configure() has

    def configure(self, *arguments):
        done = subprocess.run([ROOT / "infra/vault/configure", *self.secret_id, "--audit", self.folder / "audit/audit.log", *self.always, *arguments],
                              env=os.environ | {"VAULT_ADDR": self.server.url, "VAULT_TOKEN": self.server.token}, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        self.settings = ["secrets.backend=vault", *done.stdout.split(), "vault.call_timeout=1s", *self.more]
        if "--database" not in self.always:
            self.settings.append("vault.database=")
        return self

    @property
    def kv(self):
        """What the platform keeps: {name: document}."""
        return self.server.kept()

    def with_setting(self, setting):
        key = setting.split("=")[0]
        return [s for s in self.settings if not s.startswith(f"{key}=")] + [setting]


def made(kind, folder):
    if kind == "double":
        return Double().start()
    if not is_built():
        pytest.skip("Vault itself is not built here: infra/vault/fetch builds it")
    return Server(folder).start()


@pytest.fixture(params=["double", "server"])
def kind(request):
    """The double of its API, and Vault itself."""
    return request.param


@pytest.fixture
def double():
    """For what only the double does: answers that are none of Vault's."""
    folder, server = scratch_folder(), Double().start()
    yield Configured(server, folder).configure()
    server.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def vault(kind):
    """One without database logins."""
    folder = scratch_folder()
    server = made(kind, folder)
    yield Configured(server, folder).configure()
    server.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def vault_on_a_small_disk(kind):
    """Whose audit log is on a file system of 1 MB."""
    folder = scratch_folder()
    (folder / "audit").mkdir()
    if kind == "server" and (os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder / "audit"], check=False).returncode != 0):
        pytest.skip("no file system may be mounted here (root is needed)")
    server = made(kind, folder)
    yield Configured(server, folder).configure()
    server.close()
    if kind == "server":
        subprocess.run(["umount", "-l", folder / "audit"], check=False)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def postgres():
    """A server that others run."""
    folder = scratch_folder()
    with PostgresServer(folder / "server") as s:
        yield s
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def vault_and_postgres(kind, postgres):
    """A Vault that makes logins of a few seconds in a database of the test's own."""
    folder = scratch_folder()
    server = made(kind, folder)
    postgres.psql("DROP DATABASE IF EXISTS shop WITH (FORCE)")
    postgres.psql("CREATE DATABASE shop")
    for left in postgres.psql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-approle-%'").stdout.split():  # by a Vault that ended before them
        postgres.psql(f'DROP ROLE "{left}"')
    (folder / "password").write_text(postgres.password)
    it = Configured(server, folder)
    it.always = ("--database", f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{postgres.port}/shop", "--database-user", "owner",
                   "--database-password-file", folder / "password", "--lease", "6s", "--longest-lease", "14s")
    it.more = [f"database.url={postgres.conninfo(database='shop')}"]
    it.configure()
    yield it
    server.close()
    shutil.rmtree(folder, ignore_errors=True)


def vault_module(p):
    """What /v1/platform/status says of Vault."""
    return next(m for m in p.operator().get("/v1/platform/status")["modules"] if m["name"] == "vault")
