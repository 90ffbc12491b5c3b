// Carries parcels of telemetry to a peer over HTTP: one at a time, in order, again and again while the peer is away. It gives up
// what the peer refuses and what has waited for too long, counts it and says so once. Whoever records never waits for it.
//
// Metrics, by signal: telemetry_export_sent_total, telemetry_export_dropped_total{reason}, telemetry_export_retries_total.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>

#include "platform/core/clock.hpp"
#include "platform/core/task.hpp"
#include "platform/exporters/endpoint.hpp"
#include "platform/net/http/client.hpp"
#include "platform/resilience/retry.hpp"
#include "platform/runtime/scope.hpp"
#include "platform/telemetry/metrics.hpp"

namespace bv::exporters {

struct parcel {
    std::string body;
    std::size_t items = 0;  // 0: there is nothing to send
};

struct delivery_options {
    std::string signal;  // "traces", "logs": label of its metrics and field of its log lines
    endpoint to;
    std::string content_type;
    std::string authorization{};         // value of that header; empty: none
    http::fields headers{};
    bool gzip = false;
    milliseconds linger{500};            // between two looks for work
    milliseconds timeout{10'000};        // of one attempt
    milliseconds give_up{300'000};       // of one parcel
    resilience::retry_policy backoff{.first = milliseconds(500), .longest = milliseconds(30'000)};
};

// Everything but drop() is used on the executor that it was started on.
class delivery {
public:
    using packer = std::function<parcel()>;  // what is due next
    // How many of a parcel's items an answer of 2xx says were not taken.
    using reader = std::function<std::size_t(const http::client_response&)>;

    delivery(delivery_options, clock&, rng&, packer, reader);
    void start(asio::any_io_executor);
    // Sends what is due, for at most that long; then what is left is dropped.
    task<void> stop(milliseconds patience);
    // Counts what never came as far as a parcel. Thread-safe.
    enum class reason : unsigned char { queue_full, refused, gave_up, stopped };
    void drop(std::size_t items, reason) noexcept;

private:
    task<void> run();
    task<void> deliver(parcel);
    task<result<std::size_t>> attempt(const parcel&);
    [[nodiscard]] steady_point latest(steady_point begun) const noexcept;
    void tell(const error&);
    void tell_recovered();

    const delivery_options options_;
    clock& clock_;
    rng& rng_;
    packer pack_;
    reader read_;
    http::client client_;
    scope tasks_, grace_;
    asio::any_io_executor executor_;
    std::unique_ptr<timer> timer_;
    steady_point stop_by_ = steady_point::max();
    bool closing_ = false, failing_ = false;
    telemetry::counter& sent_;
    telemetry::counter& retries_;
    telemetry::counter* dropped_[4];
};

}  // namespace bv::exporters
