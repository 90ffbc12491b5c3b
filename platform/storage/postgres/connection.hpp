// One connection in pipeline mode: prepared statements, one transaction at a time. Private to pg.
//
// Statements are queued with send(); query() queues one more, a synchronisation point, and reads all results:
// one round trip. After an error the server skips what is queued up to the synchronisation point.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "platform/storage/postgres/channel.hpp"
#include "platform/telemetry/trace.hpp"

namespace bv::pg {

class connection {
public:
    connection(asio::any_io_executor, std::shared_ptr<client>);

    // Throws like channel::connect.
    task<void> open(steady_point deadline);

    // The next statements belong to a transaction; its BEGIN is sent with the first of them.
    void begin(const storage::transaction_options&);
    void send(const statement&, const params&);
    task<rows> query(statement, params);
    task<void> execute(std::string sql);
    // Sends COMMIT with what is still queued. Throws the first error of those; failure UNAVAILABLE "COMMIT_UNKNOWN"
    // when the connection is lost before the answer.
    task<void> commit();
    task<void> rollback();

    // One statement that commits by itself, with an identity when given.
    task<rows> run_alone(const storage::identity*, statement, params, steady_point deadline);

    // Idle, in step with the server and connected: may serve the next caller.
    [[nodiscard]] bool reusable() const noexcept;
    // The same, after a look at the socket.
    [[nodiscard]] bool alive() const noexcept { return reusable() && channel_.quiet(); }
    // Opened with the latest login.
    [[nodiscard]] bool current() const noexcept { return channel_.current(); }
    [[nodiscard]] channel& wire() noexcept { return channel_; }

private:
    struct name_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
    };
    struct prepared {
        std::string sql;
        std::vector<std::uint32_t> oids;
    };
    enum class step : unsigned char { prepare, run, sync };
    struct pending {
        step kind;
        std::string_view name;  // of the statement, static
        telemetry::span span{};
        steady_point started{};
    };
    enum class phase : unsigned char { none, begin_due, open };

    void queue_begin();
    void queue(const statement&, const params&, bool traced);
    void prepare(const statement&, const params&);
    void queue_sync();
    // Reads the results of everything queued. Gives the rows of the last statement; throws the first error.
    task<rows> drain();
    void settle(pending&, bool failed, std::string_view problem);
    void forget(std::string_view name);
    void enter_pipeline();

    std::shared_ptr<client> client_;
    channel channel_;
    std::unordered_map<std::string, prepared, name_hash, std::equal_to<>> prepared_;
    std::deque<pending> pending_;
    storage::transaction_options options_{};
    telemetry::span_context trace_parent_{};
    phase phase_ = phase::none;
    bool stale_plans_ = false;
};

}  // namespace bv::pg
