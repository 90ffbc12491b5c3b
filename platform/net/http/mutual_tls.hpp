// TLS 1.3 with certificates on both sides, which can be replaced while connections go on.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"

namespace bv::http {

// PEM texts.
struct tls_identity {
    std::string certificate_chain, private_key;
    std::string trust;  // the authorities whose certificates are good
};

// Who is on the other side, by a certificate whose chain, times and purpose were checked.
struct tls_peer {
    std::string uri;  // the one URI among its names: "spiffe://shop.example/order"
    time_point not_after{};
};

// What the other side of a connection showed. UNAUTHENTICATED "PEER_UNKNOWN": nothing, or a certificate that says by no single URI who
// it is, or that may sign others (X.509-SVID sections 2 and 5).
[[nodiscard]] result<tls_peer> peer_of(SSL*);

// One's own side of such connections. Thread-safe.
class mutual_tls {
public:
    // Throws failure INVALID_ARGUMENT "TLS_IDENTITY".
    explicit mutual_tls(const tls_identity&);
    // For connections from now on. Throws as the constructor does, and then nothing changes.
    void replace(const tls_identity&);

    using context = std::shared_ptr<boost::asio::ssl::context>;
    [[nodiscard]] context server() const;
    [[nodiscard]] context client(bool http2) const;
    // Grows with each replacement: a connection of an earlier one shows a certificate that will end.
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }

private:
    struct contexts {
        context server, http1, http2;
    };
    [[nodiscard]] static contexts make(const tls_identity&);
    mutable std::mutex mutex_;
    contexts now_;
    std::atomic<std::uint64_t> generation_{1};
};

}  // namespace bv::http
