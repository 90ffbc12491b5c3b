#include "platform/jobs/rabbitmq/connection.hpp"

#include <array>
#include <vector>

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <fmt/format.h>
#include <poll.h>

#include "platform/core/error.hpp"

namespace bv::jobs::rabbitmq {
namespace {

constexpr amqp_channel_t channel = 1;
constexpr int largest_frame = 131'072;
constexpr int precondition_failed = 406;
constexpr std::uint8_t persistent = 2;

timeval time_value(milliseconds d) { return {.tv_sec = d.count() / 1000, .tv_usec = d.count() % 1000 * 1000}; }

amqp_bytes_t bytes(std::string_view s) { return {s.size(), const_cast<char*>(s.data())}; }  // NOLINT: only read
std::string text(amqp_bytes_t b) { return {static_cast<const char*>(b.bytes), b.len}; }

amqp_table_entry_t entry(const char* key, std::string_view value) {
    amqp_table_entry_t e{};
    e.key = amqp_cstring_bytes(key);
    e.value.kind = AMQP_FIELD_KIND_UTF8;
    e.value.value.bytes = bytes(value);
    return e;
}
amqp_table_entry_t entry(const char* key, std::int64_t value) {
    amqp_table_entry_t e{};
    e.key = amqp_cstring_bytes(key);
    e.value.kind = AMQP_FIELD_KIND_I64;
    e.value.value.i64 = value;
    return e;
}
amqp_table_entry_t yes(const char* key) {
    amqp_table_entry_t e{};
    e.key = amqp_cstring_bytes(key);
    e.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    e.value.value.boolean = 1;
    return e;
}
amqp_table_t table(std::vector<amqp_table_entry_t>& entries) { return {static_cast<int>(entries.size()), entries.data()}; }

std::string text_in(const amqp_table_t& t, std::string_view key) {
    for (int i = 0; i < t.num_entries; ++i)
        if (const auto& e = t.entries[i]; text(e.key) == key && e.value.kind == AMQP_FIELD_KIND_UTF8) return text(e.value.value.bytes);
    return {};
}

failure away(std::string_view doing, std::string_view why) { return {code::unavailable, "RABBITMQ_AWAY", fmt::format("{}: {}", doing, why)}; }

}  // namespace

struct connection::impl {
    explicit impl(const address& a) : peer(a), state(amqp_new_connection()) {}
    ~impl() { amqp_destroy_connection(state); }

    [[nodiscard]] std::string doing(std::string_view what) const { return fmt::format("RabbitMQ at {}, {}", peer.str(), what); }
    void check(int status, std::string_view what) const {
        if (status < 0) throw away(doing(what), amqp_error_string2(status));
    }
    // Why the server closed the channel or the connection.
    [[noreturn]] void closed(const amqp_method_t& m, std::string_view what) const {
        int number = 0;
        std::string why = "it closed the connection";
        if (m.id == AMQP_CHANNEL_CLOSE_METHOD) {
            const auto* c = static_cast<const amqp_channel_close_t*>(m.decoded);
            number = c->reply_code, why = text(c->reply_text);
        } else if (m.id == AMQP_CONNECTION_CLOSE_METHOD) {
            const auto* c = static_cast<const amqp_connection_close_t*>(m.decoded);
            number = c->reply_code, why = text(c->reply_text);
        }
        if (number == precondition_failed)
            throw failure(code::failed_precondition, "RABBITMQ_TOPOLOGY",
                          fmt::format("{}: {}. Set what it differs in back, or delete it there (rabbitmqctl delete_queue NAME): it is made anew, and its jobs are told again", doing(what), why));
        throw away(doing(what), why);
    }
    void expect_reply(std::string_view what) const {
        const auto r = amqp_get_rpc_reply(state);
        if (r.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) closed(r.reply, what);
        if (r.reply_type != AMQP_RESPONSE_NORMAL) throw away(doing(what), amqp_error_string2(r.library_error));
    }
    void open_socket(const server&);
    void log_in(const server&, std::string_view name);
    std::optional<incoming> read(const amqp_method_t&);
    delivered read_delivery(const amqp_basic_deliver_t&);
    amqp_message_t read_content();

    const address peer;
    const amqp_connection_state_t state;
};

void connection::impl::open_socket(const server& to) {
    const auto timeout = time_value(to.connect_timeout);
    amqp_set_handshake_timeout(state, &timeout);
    amqp_set_rpc_timeout(state, &timeout);
    auto* socket = to.tls ? amqp_ssl_socket_new(state) : amqp_tcp_socket_new(state);
    if (!socket) throw away(doing("making a socket"), "there is no memory for it");
    if (to.tls) {
        if (to.ca_file.empty() || amqp_ssl_socket_set_cacert(socket, to.ca_file.c_str()) != AMQP_STATUS_OK)
            throw failure(code::invalid_argument, "RABBITMQ_TLS", fmt::format("rabbitmq.ca_file: \"{}\" is no PEM file of the authority that RabbitMQ's certificate is checked with", to.ca_file));
        amqp_ssl_socket_set_verify_peer(socket, 1);
        amqp_ssl_socket_set_verify_hostname(socket, 1);
        amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    }
    const int status = amqp_socket_open_noblock(socket, peer.host.c_str(), peer.port, &timeout);
    if (status == AMQP_STATUS_SOCKET_ERROR) throw away(doing("connecting"), "nothing listens there, or the network does not lead there");
    check(status, "connecting");
}

void connection::impl::log_in(const server& to, std::string_view name) {
    // What this client understands; without them the server keeps alarms, refusals and lost consumers to itself.
    std::vector<amqp_table_entry_t> able{yes("connection.blocked"), yes("consumer_cancel_notify"), yes("basic.nack"), yes("publisher_confirms"), yes("authentication_failure_close")};
    amqp_table_entry_t capabilities{};
    capabilities.key = amqp_cstring_bytes("capabilities");
    capabilities.value.kind = AMQP_FIELD_KIND_TABLE;
    capabilities.value.value.table = table(able);
    std::vector<amqp_table_entry_t> properties{capabilities, entry("connection_name", name)};
    const auto given = table(properties);
    const auto r = amqp_login_with_properties(state, to.vhost.c_str(), 0, largest_frame, static_cast<int>(to.heartbeat.count()), &given, AMQP_SASL_METHOD_PLAIN,
                                              to.user.c_str(), to.password.c_str());
    if (r.reply_type == AMQP_RESPONSE_NORMAL) return;
    constexpr int access_refused = 403, not_allowed = 530;
    if (r.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && r.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
        const auto* c = static_cast<const amqp_connection_close_t*>(r.reply.decoded);
        if (c->reply_code == access_refused || c->reply_code == not_allowed)
            throw failure(code::failed_precondition, "RABBITMQ_LOGIN_REFUSED",
                          fmt::format("{}: {}. Check rabbitmq.user, rabbitmq.password and rabbitmq.vhost", doing(fmt::format("logging in as \"{}\"", to.user)), text(c->reply_text)));
    }
    if (r.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) closed(r.reply, "logging in");
    throw away(doing("logging in"), amqp_error_string2(r.library_error));
}

connection::connection(const server& to, const address& at, std::string_view name) : impl_(std::make_unique<impl>(at)) {
    impl_->open_socket(to);
    impl_->log_in(to, name);
    amqp_channel_open(impl_->state, channel);
    impl_->expect_reply("opening a channel");
}

connection::~connection() = default;

void connection::declare_exchange(const std::string& name) {
    amqp_exchange_declare(impl_->state, channel, bytes(name), amqp_cstring_bytes("direct"), 0, 1, 0, 0, amqp_empty_table);
    impl_->expect_reply(fmt::format("declaring the exchange {}", name));
}

void connection::declare_queue(const std::string& name, const queue_arguments& a) {
    std::vector<amqp_table_entry_t> given{entry("x-queue-type", "quorum")};
    if (a.delivery_limit > 0) given.push_back(entry("x-delivery-limit", a.delivery_limit));
    if (a.most > 0) given.push_back(entry("x-max-length", a.most));
    if (a.most > 0) given.push_back(entry("x-overflow", "reject-publish"));
    if (a.time_to_live_ms > 0) given.push_back(entry("x-message-ttl", a.time_to_live_ms));
    if (a.replicas > 0) given.push_back(entry("x-quorum-initial-group-size", std::int64_t{a.replicas}));
    if (!a.dead_letter_exchange.empty()) {
        given.push_back(entry("x-dead-letter-exchange", a.dead_letter_exchange));
        given.push_back(entry("x-dead-letter-routing-key", a.dead_letter_key));
        // What is handed on is kept until the next queue has it; it asks for reject-publish above.
        if (a.most > 0) given.push_back(entry("x-dead-letter-strategy", "at-least-once"));
    }
    amqp_queue_declare(impl_->state, channel, bytes(name), 0, 1, 0, 0, table(given));
    impl_->expect_reply(fmt::format("declaring the queue {}", name));
}

void connection::bind(const std::string& queue, const std::string& exchange, const std::string& key) {
    amqp_queue_bind(impl_->state, channel, bytes(queue), bytes(exchange), bytes(key), amqp_empty_table);
    impl_->expect_reply(fmt::format("binding the queue {}", queue));
}

std::int64_t connection::ready_in(const std::string& queue) {
    const auto* r = amqp_queue_declare(impl_->state, channel, bytes(queue), 1, 0, 0, 0, amqp_empty_table);
    impl_->expect_reply(fmt::format("looking at the queue {}", queue));
    return r->message_count;
}

void connection::select_confirms() {
    amqp_confirm_select(impl_->state, channel);
    impl_->expect_reply("asking for confirmations");
}

void connection::publish(const message& m) {
    std::vector<amqp_table_entry_t> headers{entry("traceparent", m.traceparent)};
    amqp_basic_properties_t p{};
    p._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TYPE_FLAG | AMQP_BASIC_APP_ID_FLAG;
    p.delivery_mode = persistent;
    p.message_id = bytes(m.id);
    p.type = bytes(m.type);
    p.app_id = amqp_cstring_bytes("bitvelocity");
    if (!m.traceparent.empty()) {
        p._flags |= AMQP_BASIC_HEADERS_FLAG;
        p.headers = table(headers);
    }
    impl_->check(amqp_basic_publish(impl_->state, channel, bytes(m.exchange), bytes(m.key), 1, 0, &p, amqp_empty_bytes), "publishing");
}

void connection::consume(const std::string& queue, const std::string& consumer, std::uint16_t prefetch) {
    amqp_basic_qos(impl_->state, channel, 0, prefetch, 0);
    impl_->expect_reply("setting the prefetch");
    amqp_basic_consume(impl_->state, channel, bytes(queue), bytes(consumer), 0, 0, 0, amqp_empty_table);
    impl_->expect_reply(fmt::format("consuming from {}", queue));
}

void connection::acknowledge(std::uint64_t tag) { impl_->check(amqp_basic_ack(impl_->state, channel, tag, 0), "acknowledging"); }

std::optional<incoming> connection::next() {
    for (;;) {
        amqp_maybe_release_buffers(impl_->state);
        amqp_frame_t frame{};
        const timeval now{};
        const int status = amqp_simple_wait_frame_noblock(impl_->state, &frame, &now);
        if (status == AMQP_STATUS_TIMEOUT) return std::nullopt;
        impl_->check(status, "listening");
        if (frame.frame_type != AMQP_FRAME_METHOD) continue;
        if (auto out = impl_->read(frame.payload.method)) return out;
    }
}

std::optional<incoming> connection::impl::read(const amqp_method_t& m) {
    switch (m.id) {
        case AMQP_BASIC_DELIVER_METHOD: return read_delivery(*static_cast<const amqp_basic_deliver_t*>(m.decoded));
        case AMQP_BASIC_ACK_METHOD: {
            const auto* a = static_cast<const amqp_basic_ack_t*>(m.decoded);
            return confirmed{a->delivery_tag, a->multiple != 0, true};
        }
        case AMQP_BASIC_NACK_METHOD: {
            const auto* a = static_cast<const amqp_basic_nack_t*>(m.decoded);
            return confirmed{a->delivery_tag, a->multiple != 0, false};
        }
        case AMQP_BASIC_RETURN_METHOD: {
            const auto key = text(static_cast<const amqp_basic_return_t*>(m.decoded)->routing_key);
            auto content = read_content();
            returned out{text(content.properties.message_id), key};
            amqp_destroy_message(&content);
            return out;
        }
        case AMQP_BASIC_CANCEL_METHOD: return cancelled{text(static_cast<const amqp_basic_cancel_t*>(m.decoded)->consumer_tag)};
        case AMQP_CONNECTION_BLOCKED_METHOD: {
            auto reason = text(static_cast<const amqp_connection_blocked_t*>(m.decoded)->reason);
            return blocked{reason.empty() ? "an alarm" : std::move(reason)};
        }
        case AMQP_CONNECTION_UNBLOCKED_METHOD: return blocked{};
        case AMQP_CHANNEL_CLOSE_METHOD:
        case AMQP_CONNECTION_CLOSE_METHOD: closed(m, "listening");
        default: return std::nullopt;
    }
}

delivered connection::impl::read_delivery(const amqp_basic_deliver_t& d) {
    delivered out{d.delivery_tag, text(d.consumer_tag), {}};
    auto content = read_content();
    if (content.properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) out.id = text(content.properties.message_id);
    if (content.properties._flags & AMQP_BASIC_HEADERS_FLAG) {
        out.traceparent = text_in(content.properties.headers, "traceparent");
        out.reason = text_in(content.properties.headers, "x-first-death-reason");
    }
    amqp_destroy_message(&content);
    return out;
}

amqp_message_t connection::impl::read_content() {
    amqp_message_t out{};
    const auto r = amqp_read_message(state, channel, &out, 0);
    if (r.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) closed(r.reply, "reading a message");
    if (r.reply_type != AMQP_RESPONSE_NORMAL) throw away(doing("reading a message"), amqp_error_string2(r.library_error));
    return out;
}

void connection::wait(int descriptor, milliseconds most) {
    if (amqp_frames_enqueued(impl_->state) || amqp_data_in_buffer(impl_->state)) return;
    std::array<pollfd, 2> watched{pollfd{amqp_get_sockfd(impl_->state), POLLIN, 0}, pollfd{descriptor, POLLIN, 0}};
    ::poll(watched.data(), watched.size(), static_cast<int>(most.count()));
}

void connection::close() noexcept { amqp_connection_close(impl_->state, AMQP_REPLY_SUCCESS); }

}  // namespace bv::jobs::rabbitmq
