"""A broker that wants TLS and a login by SCRAM-SHA-512, with certificates made for the test; run from Kafka's jars."""

import base64
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import uuid

from conftest import wait_for

USER, PASSWORD = "bitvelocity", "the broker's secret"

PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=SASL_SSL://127.0.0.1:{port},INTERNAL://127.0.0.1:{internal},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_SSL://127.0.0.1:{port},INTERNAL://127.0.0.1:{internal}
listener.security.protocol.map=SASL_SSL:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=INTERNAL
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.ssl.keystore.type=PEM
listener.name.sasl_ssl.ssl.keystore.location={folder}/server.pem
log.dirs={folder}/data
auto.create.topics.enable=false
message.max.bytes=16777216
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""


def authority(folder, name):
    """A certificate authority of that name: its certificate's file."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key",
                    "-out", folder / f"{name}.pem"], check=True, capture_output=True)
    return folder / f"{name}.pem"


def certify(folder, name):
    """server.pem: key and certificate for 127.0.0.1, by that authority."""
    subprocess.run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", folder / "server.key", "-out", folder / "server.csr"],
                   check=True, capture_output=True)
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    subprocess.run(["openssl", "x509", "-req", "-in", folder / "server.csr", "-CA", folder / f"{name}.pem", "-CAkey", folder / f"{name}.key", "-CAcreateserial",
                    "-days", "2", "-extfile", folder / "names", "-out", folder / "server.crt"], check=True, capture_output=True)
    (folder / "server.pem").write_text((folder / "server.key").read_text() + (folder / "server.crt").read_text())


def free_ports(n):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


class SecureBroker:
    def __init__(self, jars, folder):
        self.folder, self.jars = pathlib.Path(folder), jars
        self.ca, self.other_ca = authority(self.folder, "ca"), authority(self.folder, "other")
        certify(self.folder, "ca")
        self.port, internal, controller = free_ports(3)
        self.properties = self.folder / "server.properties"
        self.properties.write_text(PROPERTIES.format(port=self.port, internal=internal, controller=controller, folder=self.folder))
        self.log = open(self.folder / "broker.log", "ab")
        cluster = base64.urlsafe_b64encode(uuid.UUID(int=uuid.uuid4().int >> 8).bytes).decode().rstrip("=")  # begins with no dash
        subprocess.run([*self.java(), "kafka.tools.StorageTool", "format", "-t", cluster, "-c", self.properties, "--add-scram",
                        f'SCRAM-SHA-512=[name={USER},password="{PASSWORD}"]'], check=True, stdout=self.log, stderr=self.log)
        self.process = subprocess.Popen([*self.java(), "kafka.Kafka", self.properties], stdout=self.log, stderr=self.log)
        wait_for(lambda: "Kafka Server started" in (self.folder / "broker.log").read_text(), 150)

    def java(self):
        return [shutil.which("java") or "/usr/bin/java", "-Xmx384m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info", "-cp", f"{self.jars}/*"]

    def settings(self, ca, password):
        client = ["security.protocol=sasl_ssl", "sasl.mechanism=SCRAM-SHA-512", f"sasl.username={USER}", f"ssl.ca.location={ca}"]
        return ["events.log=kafka", f"kafka.brokers=127.0.0.1:{self.port}", f"kafka.client={','.join(client)}", f"kafka.password={password}",
                "orders.stock_timeout=4m", "orders.payment_timeout=4m"]

    def stop(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()
