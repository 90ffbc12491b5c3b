"""A platform whose events Kafka carries, with a private broker from jars that are fetched once."""

import pathlib
import subprocess
import sys

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests/faults"))


@pytest.fixture(scope="session")
def jars():
    """The folder of Kafka's jars."""
    if not any(pathlib.Path(p).exists() for p in ("/usr/bin/java", "/usr/local/bin/java")):
        pytest.skip("there is no Java: apt-get install openjdk-17-jre-headless")
    fetched = subprocess.run([ROOT / "infra/kafka/fetch"], capture_output=True, text=True, check=False)
    if fetched.returncode != 0:
        pytest.skip(f"Kafka's jars cannot be had: {fetched.stderr.strip().splitlines()[-1]}")
    return ROOT / "build/tools/kafka"


@pytest.fixture(scope="session")
def registry():
    """The folder of Apicurio Registry."""
    fetched = subprocess.run([ROOT / "infra/registry/fetch"], capture_output=True, text=True, check=False)
    if fetched.returncode != 0:
        pytest.skip(f"the schema registry cannot be had: {fetched.stderr.strip().splitlines()[-1]}")
    return ROOT / "build/tools/registry"


@pytest.fixture
def kafka_platform(own_platform, jars):
    """Makes them; not started."""
    def make(*settings):
        return own_platform("events.log=kafka", f"kafka.jars={jars}", "kafka.session_timeout=6s", *settings)
    return make


def trouble(p):
    """What the platform says of its event log; empty when all is well."""
    modules = p.operator().get("/v1/platform/status")["modules"]
    return " ".join(m.get("reason", "") for m in modules if m["name"].startswith("events"))


def behind(p):
    """How many events the groups have not applied yet."""
    return sum(int(g.get("lag", 0)) for g in p.operator().get("/v1/platform/status")["groups"])
