"""A broker that wants TLS with a certificate of its clients, and a login; run from Kafka's jars."""

import base64
import pathlib
import shutil
import subprocess
import uuid

from conftest import free_port, wait_for

USER = "bitvelocity"

PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=SASL_SSL://127.0.0.1:{port},INTERNAL://127.0.0.1:{internal},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_SSL://127.0.0.1:{port},INTERNAL://127.0.0.1:{internal}
listener.security.protocol.map=SASL_SSL:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=INTERNAL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.ssl.keystore.type=PEM
listener.name.sasl_ssl.ssl.keystore.location={folder}/server.both
listener.name.sasl_ssl.ssl.truststore.type=PEM
listener.name.sasl_ssl.ssl.truststore.location={folder}/ca.pem
listener.name.sasl_ssl.ssl.client.auth=required
log.dirs={folder}/data
auto.create.topics.enable=false
message.max.bytes=16777216
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""


class SecureBroker:
    """Knows USER, and certificates of the authority `ca`."""

    def __init__(self, jars, folder):
        self.folder, self.jars, self.process = pathlib.Path(folder), jars, None
        self.ca, self.other_ca = self.authority("ca"), self.authority("other")
        self.certify("server")
        self.certify("client")
        (self.folder / "server.both").write_text((self.folder / "server.key").read_text() + (self.folder / "server.pem").read_text())
        self.port, self.internal, self.controller = free_port(), free_port(), free_port()
        self.log = open(self.folder / "broker.log", "ab")

    def start(self, password):
        """Anew, with the user's password."""
        self.stop()
        properties = self.folder / "server.properties"
        properties.write_text(PROPERTIES.format(port=self.port, internal=self.internal, controller=self.controller, folder=self.folder, user=USER, password=password))
        if not (self.folder / "data").exists():
            cluster = base64.urlsafe_b64encode(uuid.UUID(int=uuid.uuid4().int >> 8).bytes).decode().rstrip("=")  # begins with no dash
            subprocess.run(self.java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", properties), check=True, stdout=self.log, stderr=self.log)
        seen = (self.folder / "broker.log").stat().st_size
        self.process = subprocess.Popen(self.java("kafka.Kafka", properties), stdout=self.log, stderr=self.log)
        wait_for(lambda: "Kafka Server started" in (self.folder / "broker.log").read_text()[seen:], 240)

    def know_by_scram(self, password):
        """The user's password for a login by SCRAM-SHA-512."""
        subprocess.run(self.java("kafka.admin.ConfigCommand", "--bootstrap-server", f"127.0.0.1:{self.internal}", "--alter", "--entity-type", "users",
                                 "--entity-name", USER, "--add-config", f"SCRAM-SHA-512=[password={password}]"), check=True, stdout=self.log, stderr=self.log)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.folder)

    def authority(self, name):
        """A certificate authority of that name: its certificate's file."""
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
        return self.folder / f"{name}.pem"

    def certify(self, name):
        """Key and certificate for 127.0.0.1, by the authority."""
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (self.folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", f"{name}.pem")

    def java(self, *words):
        return [shutil.which("java") or "/usr/bin/java", "-Xmx384m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info", "-cp", f"{self.jars}/*", *words]

    def settings(self, its_password, **others):
        """Those of a platform that gets in, but for others."""
        mine = {"security": "sasl_ssl", "user": USER, "password": its_password, "ca_file": self.ca,
                "certificate_file": self.folder / "client.pem", "key_file": self.folder / "client.key"} | others
        return ["events.log=kafka", f"kafka.brokers=127.0.0.1:{self.port}", *(f"kafka.{name}={value}" for name, value in mine.items() if value),
                "orders.stock_timeout=4m", "orders.payment_timeout=4m"]
