#include "app/stack/settings.hpp"

#include <cstdlib>

#include <unistd.h>

#include "app/role_directory.hpp"
#include "app/stack/extras.hpp"
#include "app/stack/public_url.hpp"
#include "app/stack/registry_child.hpp"
#include "app/stack/secret_store.hpp"
#include "app/stack/telemetry_export.hpp"
#include "platform/jobs/rabbitmq/options.hpp"
#include "platform/security/spiffe_id.hpp"
#include "platform/storage/redis/topology.hpp"
#include "platform/telemetry/log.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::stack {

using namespace std::chrono_literals;

namespace {

const char* variable(const char* name) {
    return std::getenv(name);  // NOLINT(concurrency-mt-unsafe): this process sets none
}

}  // namespace

config_schema settings_schema() {
    config_schema s;
    s.text("data.directory", "", "where the platform keeps its database, keys, logs and mail; empty: .data beside the launcher")
        .choice("profile", "one", {"one", "full"}, "one: all services in one process; full: each service is a process of its own")
        .text("http.address", "127.0.0.1", "address the platform listens on; 0.0.0.0 opens it to the network")
        .integer("http.port", 8080, {0, 65535}, "port the platform listens on; 0 takes a free one")
        .text("http.public_url", "", "where clients reach the platform, such as https://shop.example: in tokens, OAuth metadata and OpenAPI; empty: where it listens")
        .text("http.tls_certificate", "", "PEM file with the certificate chain; with http.tls_key this turns TLS on")
        .text("http.tls_key", "", "PEM file with the private key")
        .size("http.max_body", byte_count{4 << 20}, {byte_count{1024}, byte_count{256 << 20}}, "largest request body; more is answered 413")
        .size("http.max_stream", byte_count{1ULL << 30}, {byte_count{1024}, byte_count{1ULL << 40}}, "largest body of an import, which is read as it arrives; more is answered 413")
        .duration("http.stream_timeout", 10min, {1s, 24h}, "deadline of an import; and how long its body may be waited for in all")
        .duration("http.request_timeout", 30s, {100ms, 10min}, "deadline of a request that brings none")
        .boolean("http.load_reports", false, "tell gRPC clients how busy the gateway is, in trailers and by OpenRcaService (ORCA), for balancers that weigh by it")
        .list("http.cors_origins", {}, "origins that browsers may call from; * for any")
        .boolean("http.access_log", true, "one log line a request (at level debug; 5xx at warn)")
        .text("peers.trust_domain", "bitvelocity.internal", "trust domain of the certificates that processes of one platform show each other: spiffe://DOMAIN/ROLE")
        .duration("peers.certificate_life", 1h, {5s, 720h}, "how long such a certificate is good; a process is given its next one at half of that")
        .text("peers.certificate_file", "", "PEM file with the certificate of a role that bv serve runs without a supervisor; read again when it changes")
        .text("peers.key_file", "", "PEM file with its private key")
        .text("peers.ca_file", "", "PEM file with the authorities whose certificates such a role trusts")
        .text("peers.listen", "127.0.0.1:0", "where such a role is called by others: address:port; 0 takes a free one")
        .list("peers.addresses", {}, "where roles are called that no supervisor of this machine started, as order=10.0.0.5:7001; the same in every process")
        .integer("runtime.cores", 0, {0, 62}, "threads that run the platform; 0: one a core")
        .secret("database.url", "libpq connection of a role that may create roles; empty: a private PostgreSQL in the data directory")
        .text("database.account", "postgres", "account that runs the private PostgreSQL, Redis, RabbitMQ and Vault when this process is root")
        .integer("database.connections", 4, {1, 64}, "connections a service and core")
        .choice("secrets.backend", "file", {"file", "vault"}, "where keys and passwords are: sealed in a file of the data directory, or in Vault")
        .text("vault.address", "", "where Vault is, such as https://vault.internal:8200")
        .text("vault.ca_file", "", "PEM file of the authority that Vault's certificate is checked with; empty: the system's")
        .text("vault.approle", "approle", "mount of the log-in by AppRole")
        .text("vault.role_id", "", "the platform's AppRole; {role} in it is the role of a process, and platform where that is none")
        .text("vault.secret_id_file", "", "file with its secret id, mode 0600; read at each log-in; {role} as in vault.role_id")
        .text("vault.wrapping_token_file", "", "instead: file with a token that opens a wrapped secret id once, mode 0600; removed then; {role} as in vault.role_id")
        .text("vault.kv", "secret/bitvelocity", "mount of KV version 2, and the folder that the secrets are in")
        .text("vault.transit", "transit/bitvelocity", "mount of transit, and the key that wraps keys; empty: KV keeps them as they are")
        .text("vault.pki", "pki/bitvelocity", "mount of PKI, and the role that issues the certificates of processes; empty: the platform's own authority, whose key is in KV")
        .text("vault.database", "database/bitvelocity", "mount of the database engine, and what its roles' names begin with: …-orders; empty: passwords that stay, in KV")
        .duration("vault.call_timeout", 2s, {50ms, 1min}, "of one call to Vault")
        .text("vault.program", "", "the program vault for a private one; empty: build/tools/bin/vault, which infra/vault/fetch builds")
        .text("vault.files", "", "folder of what sets a private one up; empty: infra/vault")
        .text("provider.url", "", "base URL of the payment provider; empty: the development provider as a child process")
        .duration("provider.timeout", 2s, {50ms, 1min}, "of one call to the payment provider")
        .list("stack.with", {}, "servers that are started beside the platform, unless they are given: kafka, rabbitmq, redis, registry, vault, observability and its parts")
        .list("redis.endpoints", {},
              "Redis that processes share caches, limits and finished answers through: host:port or unix:/path, of a cluster some; empty: none")
        .text("redis.user", "", "account at Redis; empty: its default one")
        .secret("redis.password", "password of that account")
        .boolean("redis.tls", false, "speak TLS to endpoints that are not sockets")
        .text("redis.ca_file", "", "PEM file of the authority that Redis's certificates are checked with; empty: the system's")
        .text("redis.prefix", "bv", "what every key in Redis begins with: another for each platform on one Redis")
        .duration("redis.call_timeout", 50ms, {1ms, 10s}, "a command that Redis does not answer by then is done without")
        .duration("redis.cache_time", 5min, {1s, 24h}, "how long Redis keeps what it caches: also how long an old value may be shown when an invalidation is lost")
        .list("rabbitmq.endpoints", {}, "RabbitMQ that tells workers when jobs are due: host:port, of a cluster some; empty: none, and workers look for them in the database")
        .text("rabbitmq.user", "", "account at RabbitMQ")
        .secret("rabbitmq.password", "password of that account")
        .text("rabbitmq.vhost", "/", "virtual host of RabbitMQ")
        .boolean("rabbitmq.tls", false, "speak TLS to RabbitMQ; needs rabbitmq.ca_file")
        .text("rabbitmq.ca_file", "", "PEM file of the authority that RabbitMQ's certificate is checked with")
        .text("rabbitmq.prefix", "bitvelocity.", "what exchanges and queues begin with: another for each platform on the same RabbitMQ")
        .duration("rabbitmq.heartbeat", 10s, {1s, 5min}, "a RabbitMQ that is not heard of for two of these is connected to anew")
        .integer("rabbitmq.prefetch", 200, {1, 10000}, "messages that one process has in hand at most")
        .integer("rabbitmq.delivery_limit", 20, {1, 1000}, "a message that processes ended with this often goes to the dead-letter exchange, and its job is told anew")
        .integer("rabbitmq.most_messages", 100000, {1, 100000000}, "messages in a queue; what is more stays in the database until there is room")
        .integer("rabbitmq.replicas", 1, {1, 9}, "nodes that have each queue, of a cluster; 3 or more outlive the loss of one")
        .boolean("rabbitmq.management", false, "the private RabbitMQ has its web interface and Prometheus' metrics, on loopback")
        .text("mail.smtp_host", "", "SMTP server for e-mails; empty: files in the data directory's mail folder")
        .integer("mail.smtp_port", 25, {1, 65535}, "port of the SMTP server")
        .choice("mail.smtp_security", "none", {"none", "starttls", "tls"}, "how the connection to the SMTP server is protected")
        .text("mail.smtp_ca_file", "", "PEM file of the authority that the SMTP server's certificate is checked with; empty: the system's")
        .text("mail.smtp_user", "", "account at the SMTP server; needs starttls or tls")
        .secret("mail.smtp_password", "password of that account")
        .text("mail.sender", "orders@bitvelocity.example", "address that e-mails come from")
        .choice("log.level", "info", {"debug", "info", "warn", "error"}, "least level that is logged")
        .text("log.ship_url", "", "log store with Elasticsearch's bulk API that log lines are sent to as well, such as http://127.0.0.1:9428/insert/elasticsearch")
        .secret("log.ship_authorization", "Authorization header for it, such as ApiKey …")
        .integer("trace.sample_percent", 100, {0, 100}, "share of new traces that is recorded")
        .text("telemetry.otlp_endpoint", "", "collector that traces are sent to by OTLP over HTTP, such as http://127.0.0.1:4318; empty: to none")
        .secret("telemetry.otlp_authorization", "Authorization header for it, such as Bearer …")
        .boolean("telemetry.otlp_gzip", false, "compress what is sent to it: less network for more CPU")
        .integer("telemetry.otlp_percent", 100, {0, 100}, "share of all traces that is sent there; failed and slow ones among the recorded always are")
        .duration("telemetry.slow_trace", 1s, {1ms, 1h}, "a span this long makes its trace slow")
        .text("observability.programs", "", "folder of the servers that watch the platform; empty: build/tools/bin, which infra/observability/fetch fills")
        .text("observability.files", "", "folder of their rules, routes, dashboards and pipelines; empty: infra/observability")
        .duration("observability.retention", 168h, {24h, 87600h}, "how long those that are started beside the platform keep traces, samples and log lines")
        .text("collector.traces_to", "", "store of traces, by OTLP over gRPC as host:port, that a collector beside the platform sends to; empty: the Jaeger beside it")
        .integer("collector.percent", 100, {0, 100}, "share of all traces that it keeps; of the others those that failed or were slow, by the whole trace")
        .text("prometheus.alertmanager", "", "Alertmanager as host:port that a Prometheus beside the platform tells; empty: the one beside it")
        .text("prometheus.remote_write", "", "URL that it writes its samples to as well; empty: the VictoriaMetrics beside it")
        .text("alertmanager.config", "", "file of routes and receivers for an Alertmanager beside the platform; empty: alertmanager.yml of observability.files")
        .integer("limits.user_per_minute", 6000, {1, 100000000}, "requests a minute of one account")
        .integer("limits.anonymous_per_minute", 1200, {1, 100000000}, "requests a minute of one address without credentials, and as many with wrong ones")
        .integer("limits.program_per_minute", 600000, {1, 100000000}, "requests a minute of one API key")
        .integer("orders.most_open", 2000, {1, 1000000000}, "orders that may be under way at once; more are answered 503 with Retry-After")
        .duration("orders.stock_timeout", 30s, {100ms, 1h}, "an order whose stock is not reserved by then is cancelled")
        .duration("orders.payment_timeout", 60s, {100ms, 1h}, "an order whose payment step is not answered by then is cancelled")
        .duration("inventory.hold", 15min, {1s, 24h}, "how long stock is held for an order that is not confirmed")
        .choice("events.log", "embedded", {"embedded", "kafka"}, "what carries events: the outbox tables themselves, or Kafka")
        .list("kafka.brokers", {}, "brokers as host:port; empty: a private one as a child process, from kafka.jars")
        .text("kafka.prefix", "bitvelocity.", "what topics and consumer groups begin with: another for each platform on the same brokers")
        .integer("kafka.partitions", 3, {1, 1000}, "partitions of each topic: at most so many processes of a role share the work of one source")
        .integer("kafka.replication", 1, {1, 9}, "copies of each topic that is made; with 3 and more, two must have an event before it counts as sent")
        .duration("kafka.retention", 168h, {1min, 8760h}, "how long topics that are made keep events")
        .duration("kafka.dead_letter_retention", 720h, {1min, 8760h}, "the same of the topics that dead letters are told to")
        .duration("kafka.session_timeout", 10s, {1s, 5min}, "a process that the group does not hear of for so long loses its partitions to the others")
        .choice("kafka.security", "plaintext", {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"}, "how brokers are spoken with: TLS with ssl, a login with sasl")
        .text("kafka.ca_file", "", "PEM file of the authority that the brokers' certificates are checked with; empty: the system's")
        .text("kafka.certificate_file", "", "PEM file with the certificate that is shown to brokers which ask for one")
        .text("kafka.key_file", "", "PEM file with its private key")
        .choice("kafka.sasl_mechanism", "PLAIN", {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}, "how the login is proved: PLAIN sends the password itself; SCRAM at Kafka 4 needs librdkafka 2.6.1")
        .text("kafka.user", "", "account at the brokers")
        .secret("kafka.password", "password of that account; empty: the secret of this name, in Vault")
        .list("kafka.client", {}, "other properties of librdkafka for every client, such as socket.keepalive.enable=true")
        .text("kafka.jars", "", "folder of Kafka's jars for the private broker; empty: build/tools/kafka, which infra/kafka/fetch fills")
        .size("kafka.heap", byte_count{384ULL << 20}, {byte_count{128ULL << 20}, byte_count{64ULL << 30}}, "memory of the private broker's heap")
        .text("registry.url", "", "schema registry of the events that Kafka carries, by Confluent's API, such as http://registry:8081; empty: none, or with stack.with=registry a private one")
        .text("registry.user", "", "account at the schema registry; empty: none is named")
        .secret("registry.password", "password of that account")
        .text("registry.ca_file", "", "PEM file of the authority that the registry's certificate is checked with; empty: the system's")
        .text("registry.program", "", "folder of Apicurio Registry for the private one; empty: build/tools/registry, which infra/registry/fetch fills")
        .size("registry.heap", byte_count{192ULL << 20}, {byte_count{128ULL << 20}, byte_count{64ULL << 30}}, "memory of the private registry's heap")
        .duration("events.retention", 168h, {1min, 8760h}, "how long published events are kept once every group has them")
        .duration("leases.life", 9s, {1s, 10min}, "a process that stands still for so long is followed by another in what one at a time does; renewed three times as often")
        .boolean("demo.seed", true, "a small catalogue and development accounts at first start");
    for (const char* own : {"BV_ROOT", "BV_PRESET", "BV_BUILD", "BV_BINARY", "BV_CONFIG"}) s.ignore_variable(own);
    return s;
}

config load_settings(const std::string& file, std::vector<std::string> flags) {
    config_sources sources;
    sources.file = file;
    if (const char* named = variable("BV_CONFIG"); sources.file.empty() && named) sources.file = named;
    if (sources.file.empty() && std::filesystem::exists("bitvelocity.yaml")) sources.file = "bitvelocity.yaml";
    for (char** e = environ; *e; ++e) sources.environment.emplace_back(*e);
    sources.flags = std::move(flags);
    auto loaded = config::load(settings_schema(), sources);
    if (!loaded) throw failure(loaded.error());
    if (const auto url = loaded->get<std::string>("http.public_url"); !url.empty())
        if (const auto parsed = parse_public_url(url); !parsed) throw failure(parsed.error());
    if (const auto domain = loaded->get<std::string>("peers.trust_domain"); !security::is_trust_domain(domain))
        throw failure(code::invalid_argument, "INVALID_SETTING", "peers.trust_domain: \"" + domain + "\" is no trust domain: use a-z, 0-9, '.', '-' and '_'");
    if (const auto peers = app::parse_addresses(loaded->get<std::vector<std::string>>("peers.addresses")); !peers) throw failure(peers.error());
    check_export_settings(*loaded);
    check_secrets_settings(*loaded);
    if (const auto with = parse_extras(loaded->get<std::vector<std::string>>("stack.with")); !with) throw failure(with.error());
    if (const auto registry = check_registry_settings(*loaded); !registry) throw failure(registry.error());
    for (const auto& e : loaded->get<std::vector<std::string>>("redis.endpoints"))
        if (const auto at = redis::parse_address(e); !at) throw failure(at.error());
    for (const auto& e : loaded->get<std::vector<std::string>>("rabbitmq.endpoints"))
        if (const auto at = jobs::rabbitmq::parse_address(e); !at) throw failure(at.error());
    return std::move(*loaded);
}

void configure_telemetry(const config& c) {
    const auto name = c.get<std::string>("log.level");
    telemetry::set_log_level(name == "debug"   ? telemetry::level::debug
                             : name == "warn"  ? telemetry::level::warn
                             : name == "error" ? telemetry::level::error
                                               : telemetry::level::info);
    telemetry::set_sampling_ratio(c.get<int>("trace.sample_percent") / 100.0);
}

std::filesystem::path data_directory(const config& c) {
    if (auto given = c.get<std::string>("data.directory"); !given.empty()) return given;
    if (const char* root = variable("BV_ROOT")) return std::filesystem::path(root) / ".data";
    if (const char* home = variable("HOME")) return std::filesystem::path(home) / ".local/share/bitvelocity";
    return ".data";
}

}  // namespace bv::stack
