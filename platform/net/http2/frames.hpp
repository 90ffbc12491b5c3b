// HTTP/2 (RFC 9113) without I/O: bytes in, bytes out, and the streams between. nghttp2 does the framing, HPACK, flow control and the
// checks of the protocol; its header stays in frames.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "platform/net/http/message.hpp"

struct nghttp2_session;

namespace bv::http2 {

enum class role : unsigned char { client, server };

// Error codes (RFC 9113 section 7).
inline constexpr std::uint32_t no_error = 0, protocol_error = 1, internal_error = 2, refused_stream = 7, cancel = 8, enhance_your_calm = 11;

struct field {
    std::string_view name, value;  // names in lower case
};

// One stream, as the session tells of it. Calls come from receive() and collect(); within them nothing may be collected.
class stream {
public:
    virtual ~stream() = default;
    // Of a header block or of trailers: fields in their order, then their end.
    virtual void on_field(std::string_view name, std::string_view value) = 0;
    virtual void on_fields_end() = 0;
    virtual void on_data(std::string_view) = 0;
    // The peer sends no more.
    virtual void on_end() = 0;
    // Everything written was handed to the connection, or little is left: more may be written.
    virtual void on_drained() {}
    // The last call. `unhandled`: the peer surely did nothing of it.
    virtual void on_close(std::uint32_t error, bool unhandled) = 0;

    [[nodiscard]] std::int32_t id() const noexcept { return id_; }
    [[nodiscard]] std::size_t waiting_bytes() const noexcept { return out_.size() - sent_; }

private:
    friend class frames;
    std::string out_;
    std::size_t sent_ = 0;
    http::fields trailers_;
    std::int32_t id_ = 0;
    bool finished_ = false, deferred_ = false;
};

struct frame_options {
    std::uint32_t max_streams = 256;
    std::uint32_t stream_window = 256 * 1024;
    std::uint32_t max_header_bytes = 16 * 1024;
};

class frames {
public:
    // accept: makes the stream that a client opens; null refuses it unhandled. Servers only.
    frames(role, const frame_options&, std::function<std::shared_ptr<stream>()> accept = {});
    ~frames();
    frames(const frames&) = delete;
    frames& operator=(const frames&) = delete;

    // False: the peer broke the protocol. What is to be said of it is still there to collect; then the connection is over.
    [[nodiscard]] bool receive(std::string_view);
    // Appends what is to be sent, about `most` bytes of it.
    void collect(std::string& out, std::size_t most);
    // Neither side has anything more to say.
    [[nodiscard]] bool over() const noexcept;

    void respond(stream&, std::span<const field>, bool last);
    // False: no stream can be opened any more.
    [[nodiscard]] bool request(std::shared_ptr<stream>, std::span<const field>, bool last);
    void write(stream&, std::string_view);
    // No more will be written; trailers may be empty.
    void finish(stream&, http::fields trailers);
    void reset(stream&, std::uint32_t error);
    // Lets the peer send as many more bytes: those of on_data are counted until then.
    void consume(const stream&, std::size_t);
    // Takes all that comes at once, for a stream whose bytes nobody waits for.
    [[nodiscard]] bool is_open(const stream& s) const noexcept { return streams_.contains(s.id()); }

    // Says that no new stream will be taken, and asks for an answer that shows when the peer has seen it.
    void announce_goaway();
    void goaway(std::uint32_t error, std::string_view why = {});
    void ping();
    // How many the peer has sent since it last sent or was sent anything of a stream.
    [[nodiscard]] std::uint32_t idle_pings() const noexcept { return idle_pings_; }
    [[nodiscard]] bool pong() noexcept;  // whether one has come since it was asked last
    [[nodiscard]] bool goaway_received() const noexcept { return goaway_received_; }
    // How many streams the peer allows at once.
    [[nodiscard]] std::uint32_t peer_max_streams() const noexcept;
    [[nodiscard]] std::size_t open() const noexcept { return streams_.size(); }
    // Calls each open stream; it must not close any.
    void each(const std::function<void(stream&)>&);
    // Closes all of them, as when the connection has gone. `unhandled`: the peer surely did nothing of any.
    void close_all(bool unhandled = false);

private:
    struct callbacks;
    [[nodiscard]] stream* find(std::int32_t id) const noexcept;

    nghttp2_session* session_ = nullptr;
    std::function<std::shared_ptr<stream>()> accept_;
    std::unordered_map<std::int32_t, std::shared_ptr<stream>> streams_;
    std::int32_t last_handled_ = 0x7fffffff;  // of ours, as the peer's GOAWAY says
    role role_;
    // A client's identifiers only grow. Those that it passed over are closed unopened (RFC 9113 section 5.1.1), which nghttp2 does not
    // tell from those that were closed in use.
    [[nodiscard]] bool was_passed_over(std::int32_t id);
    std::int32_t highest_ = -1;
    std::vector<std::pair<std::int32_t, std::int32_t>> passed_over_;  // first and last; the latest few
    std::uint32_t idle_pings_ = 0;
    bool pong_ = false, goaway_received_ = false;
};

}  // namespace bv::http2
