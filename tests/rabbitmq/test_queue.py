"""The job queue over a server, without a platform: the contract of every queue, and what is RabbitMQ's own (C++)."""

import subprocess

from amqp_platform import server_program  # noqa: F401 (a fixture)

from conftest import BUILD, ROOT


def test_the_queue_over_a_server(server_program):  # noqa: F811
    done = subprocess.run([f"{BUILD}/platform/bv_rabbitmq_server_test"], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, "\n".join(line for line in done.stdout.splitlines() if "Failure" in line or line.startswith("["))
