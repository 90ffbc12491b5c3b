#include "platform/net/http2/frames.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "platform/core/assert.hpp"

namespace bv::http2 {

namespace {

constexpr std::int32_t connection_window = 8 * 1024 * 1024;
constexpr std::size_t low_water = 32 * 1024;  // of what a stream has written
constexpr std::size_t compact_at = 64 * 1024;
constexpr std::uint64_t reset_burst = 1'000, resets_per_second = 33;  // by the client; more is an attack (CVE-2023-44487)
constexpr std::size_t most_settings = 32, most_unsent_acks = 1'000;

std::string_view view(const std::uint8_t* bytes, std::size_t n) { return {reinterpret_cast<const char*>(bytes), n}; }

nghttp2_nv pair(std::string_view name, std::string_view value) {
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())), reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
            value.size(), NGHTTP2_NV_FLAG_NONE};
}

// As nghttp2 takes fields. Few answers have more than there is room for without an allocation.
class pairs {
public:
    explicit pairs(std::size_t n) : many_(n > few_.size() ? n : 0), at_(many_.empty() ? few_.data() : many_.data()) {}
    explicit pairs(std::span<const field> all) : pairs(all.size()) {
        for (const auto& [name, value] : all) add(name, value);
    }
    pairs(const pairs&) = delete;
    pairs& operator=(const pairs&) = delete;
    void add(std::string_view name, std::string_view value) { at_[size_++] = pair(name, value); }
    [[nodiscard]] const nghttp2_nv* data() const noexcept { return at_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    std::array<nghttp2_nv, 24> few_;
    std::vector<nghttp2_nv> many_;
    nghttp2_nv* at_;
    std::size_t size_ = 0;
};

// nghttp2 fails here only when memory is short.
void require(int outcome) {
    if (outcome == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
}

}  // namespace

struct frames::callbacks {
    static frames& of(void* user) { return *static_cast<frames*>(user); }

    static int begin_frame(nghttp2_session* session, const nghttp2_frame_hd* hd, void* user) {
        auto& self = of(user);
        if (hd->type == NGHTTP2_HEADERS && self.role_ == role::server && self.was_passed_over(hd->stream_id)) nghttp2_session_terminate_session(session, protocol_error);
        return 0;
    }
    static int begin_headers(nghttp2_session*, const nghttp2_frame* f, void* user) {
        auto& self = of(user);
        if (self.role_ == role::client || f->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
        auto added = self.accept_();
        if (!added) {
            nghttp2_submit_rst_stream(self.session_, NGHTTP2_FLAG_NONE, f->hd.stream_id, refused_stream);
            return 0;
        }
        added->id_ = f->hd.stream_id;
        self.streams_.emplace(added->id_, std::move(added));
        return 0;
    }
    static int header(nghttp2_session*, const nghttp2_frame* f, const std::uint8_t* name, std::size_t name_length, const std::uint8_t* value, std::size_t value_length,
                      std::uint8_t, void* user) {
        if (auto* s = of(user).find(f->hd.stream_id)) s->on_field(view(name, name_length), view(value, value_length));
        return 0;
    }
    static int data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t n, void* user) {
        nghttp2_session_consume_connection(session, n);  // each stream bounds itself
        if (auto* s = of(user).find(id)) s->on_data(view(bytes, n));
        else nghttp2_session_consume_stream(session, id, n);
        return 0;
    }
    static int received(nghttp2_session*, const nghttp2_frame* f, void* user) {
        auto& self = of(user);
        if (f->hd.type == NGHTTP2_PING) (f->hd.flags & NGHTTP2_FLAG_ACK) != 0 ? static_cast<void>(self.pong_ = true) : static_cast<void>(++self.idle_pings_);
        if (f->hd.type == NGHTTP2_GOAWAY) {
            self.goaway_received_ = true;
            self.last_handled_ = f->goaway.last_stream_id;
        }
        if (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA) return 0;
        self.idle_pings_ = 0;
        const auto it = self.streams_.find(f->hd.stream_id);
        if (it == self.streams_.end()) return 0;
        const auto kept = it->second;
        if (f->hd.type == NGHTTP2_HEADERS) kept->on_fields_end();
        if ((f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) kept->on_end();
        return 0;
    }
    // An answer that ends before its request tells the peer to stop (RFC 9113 section 8.1).
    static int sent(nghttp2_session* session, const nghttp2_frame* f, void* user) {
        if (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA) return 0;
        of(user).idle_pings_ = 0;
        if (of(user).role_ == role::client || (f->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
        if (nghttp2_session_get_stream_remote_close(session, f->hd.stream_id) == 0)
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, f->hd.stream_id, NGHTTP2_NO_ERROR);
        return 0;
    }
    static int closed(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
        auto& self = of(user);
        const auto it = self.streams_.find(id);
        if (it == self.streams_.end()) return 0;
        const auto kept = std::move(it->second);
        self.streams_.erase(it);
        kept->on_close(error, error == refused_stream || (self.role_ == role::client && id > self.last_handled_));
        return 0;
    }
    static ssize_t read(nghttp2_session* session, std::int32_t id, std::uint8_t* into, std::size_t most, std::uint32_t* flags, nghttp2_data_source* source, void*) {
        auto& s = *static_cast<stream*>(source->ptr);
        const auto n = std::min(most, s.waiting_bytes());
        if (n != 0) std::memcpy(into, s.out_.data() + s.sent_, n);
        s.sent_ += n;
        if (s.waiting_bytes() == 0) {
            s.out_.clear(), s.sent_ = 0;
        } else if (s.sent_ >= compact_at) {
            s.out_.erase(0, std::exchange(s.sent_, 0));
        }
        if (s.waiting_bytes() == 0 && s.finished_) {
            *flags |= NGHTTP2_DATA_FLAG_EOF;
            if (s.trailers_.size() != 0) {
                *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
                pairs all(s.trailers_.size());
                for (std::size_t i = 0; i < s.trailers_.size(); ++i) all.add(s.trailers_.at(i).first, s.trailers_.at(i).second);
                nghttp2_submit_trailer(session, id, all.data(), all.size());
            }
        } else if (n == 0) {
            s.deferred_ = true;
            return NGHTTP2_ERR_DEFERRED;
        }
        if (!s.finished_ && s.waiting_bytes() <= low_water) s.on_drained();
        return static_cast<ssize_t>(n);
    }
    static nghttp2_data_provider provider(stream& s) { return {{.ptr = &s}, &read}; }
};

frames::frames(role r, const frame_options& o, std::function<std::shared_ptr<stream>()> accept) : accept_(std::move(accept)), role_(r) {
    nghttp2_session_callbacks* c = nullptr;
    nghttp2_option* option = nullptr;
    require(nghttp2_session_callbacks_new(&c));
    require(nghttp2_option_new(&option));
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, callbacks::begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, callbacks::begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, callbacks::header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, callbacks::data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, callbacks::received);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, callbacks::sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, callbacks::closed);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_max_settings(option, most_settings);
    nghttp2_option_set_max_outbound_ack(option, most_unsent_acks);
    nghttp2_option_set_stream_reset_rate_limit(option, reset_burst, resets_per_second);
    nghttp2_option_set_max_send_header_block_length(option, 1024 * 1024);
    const int made = r == role::server ? nghttp2_session_server_new2(&session_, c, this, option) : nghttp2_session_client_new2(&session_, c, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(c);
    require(made);
    std::vector<nghttp2_settings_entry> settings{{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, o.stream_window}, {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, o.max_header_bytes}};
    if (r == role::server) settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, o.max_streams});
    else settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
    require(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()));
    require(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, connection_window));
}

frames::~frames() { nghttp2_session_del(session_); }

bool frames::receive(std::string_view bytes) {
    const auto n = nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (n == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
    if (n == NGHTTP2_ERR_FLOODED) nghttp2_session_terminate_session(session_, enhance_your_calm);
    if (n == NGHTTP2_ERR_BAD_CLIENT_MAGIC) nghttp2_session_terminate_session(session_, protocol_error);
    return n >= 0;
}

void frames::collect(std::string& out, std::size_t most) {
    while (out.size() < most) {
        const std::uint8_t* bytes = nullptr;
        const auto n = nghttp2_session_mem_send(session_, &bytes);
        if (n == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
        if (n <= 0) return;
        out.append(view(bytes, static_cast<std::size_t>(n)));
    }
}

bool frames::over() const noexcept { return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0; }

void frames::respond(stream& s, std::span<const field> fields, bool last) {
    if (!is_open(s)) return;
    const pairs all(fields);
    const auto body = callbacks::provider(s);
    s.finished_ = last;
    require(nghttp2_submit_response(session_, s.id(), all.data(), all.size(), last ? nullptr : &body));
}

bool frames::request(std::shared_ptr<stream> s, std::span<const field> fields, bool last) {
    const pairs all(fields);
    const auto body = callbacks::provider(*s);
    const auto id = nghttp2_submit_request(session_, nullptr, all.data(), all.size(), last ? nullptr : &body, nullptr);
    if (id == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
    if (id < 0) return false;
    s->id_ = id;
    s->finished_ = last;
    streams_.emplace(id, std::move(s));
    return true;
}

void frames::write(stream& s, std::string_view piece) {
    BV_ASSERT(!s.finished_);
    s.out_ += piece;
    if (std::exchange(s.deferred_, false)) nghttp2_session_resume_data(session_, s.id());
}

void frames::finish(stream& s, http::fields trailers) {
    s.trailers_ = std::move(trailers);
    s.finished_ = true;
    if (std::exchange(s.deferred_, false)) nghttp2_session_resume_data(session_, s.id());
}

void frames::reset(stream& s, std::uint32_t error) {
    if (is_open(s)) require(nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, s.id(), error));
}

void frames::consume(const stream& s, std::size_t n) { nghttp2_session_consume_stream(session_, s.id(), n); }

bool frames::was_passed_over(std::int32_t id) {
    constexpr std::size_t most = 16;
    if (id <= highest_) return std::ranges::any_of(passed_over_, [id](const auto& range) { return range.first <= id && id <= range.second; });
    if (id > highest_ + 2) {
        if (passed_over_.size() == most) passed_over_.erase(passed_over_.begin());
        passed_over_.emplace_back(highest_ + 2, id - 2);
    }
    highest_ = id;
    return false;
}

void frames::announce_goaway() {
    nghttp2_submit_shutdown_notice(session_);
    ping();
}

void frames::goaway(std::uint32_t error, std::string_view why) {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_), error, reinterpret_cast<const std::uint8_t*>(why.data()), why.size());
}

void frames::ping() {
    pong_ = false;
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
}

bool frames::pong() noexcept { return pong_; }

std::uint32_t frames::peer_max_streams() const noexcept { return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS); }

stream* frames::find(std::int32_t id) const noexcept {
    const auto it = streams_.find(id);
    return it == streams_.end() ? nullptr : it->second.get();
}

void frames::each(const std::function<void(stream&)>& act) {
    for (const auto& [id, s] : streams_) act(*s);
}

void frames::close_all(bool unhandled) {
    for (auto all = std::exchange(streams_, {}); const auto& [id, s] : all) s->on_close(cancel, unhandled || (role_ == role::client && id > last_handled_));
}

}  // namespace bv::http2
