"""The event log over a broker, without a platform: the contract of every log, and what is Kafka's own (C++)."""

import os
import subprocess

from brokers import jars, registry  # noqa: F401 (fixtures)

from conftest import BUILD, ROOT


def test_the_log_over_a_broker(jars, registry):  # noqa: F811
    done = subprocess.run([f"{BUILD}/platform/bv_kafka_broker_test"], cwd=ROOT, env={**os.environ, "BV_KAFKA_JARS": str(jars), "BV_REGISTRY_PROGRAM": str(registry)},
                          capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, "\n".join(line for line in done.stdout.splitlines() if "Failure" in line or line.startswith("["))
