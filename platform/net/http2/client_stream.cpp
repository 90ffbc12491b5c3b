#include "platform/net/http2/client_stream.hpp"

#include <charconv>
#include <utility>

namespace bv::http2 {

namespace {
constexpr std::size_t high_water = 128 * 1024;  // of what was written and not yet sent
}

client_stream::client_stream(std::shared_ptr<client_connection> c, steady_point deadline) : connection_(std::move(c)), timer_(connection_->link_->executor(), deadline) {}

std::shared_ptr<client_stream> client_stream::open(std::shared_ptr<client_connection> connection, std::span<const field> fields, steady_point deadline) {
    const auto s = std::make_shared<client_stream>(std::move(connection), deadline);
    auto& c = *s->connection_;
    if (!c.is_usable() || !c.frames_.request(s, fields, false)) return nullptr;
    c.flush_soon();
    s->watch();
    return s;
}

void client_stream::watch() {
    if (timer_.expiry() == steady_point::max()) return;
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
        const auto self = weak.lock();
        if (ec || !self || self->is_over()) return;
        self->late_ = true;
        self->cancel();
        wake(self->reader_);
        wake(self->writer_);
    });
}

void client_stream::wake(std::shared_ptr<waiter>& w) {
    if (const auto waiting = std::exchange(w, nullptr)) waiting->wake();
}

void client_stream::cancel() noexcept {
    timer_.cancel();
    if (closed_ || (whole_ && finished_) || connection_->ended_) return;
    finished_ = true;
    connection_->frames_.reset(*this, http2::cancel);
    connection_->flush_soon();
}

task<bool> client_stream::write(std::string_view bytes) {
    const auto kept = shared_from_this();
    if (is_over() || finished_) co_return false;
    connection_->frames_.write(*this, bytes);
    connection_->flush_soon();
    while (!is_over() && waiting_bytes() > high_water) {
        writer_ = waiter::make();
        const auto mine = writer_;
        co_await mine->wait();
    }
    co_return !is_over();
}

void client_stream::finish() {
    if (std::exchange(finished_, true) || closed_ || connection_->ended_) return;
    connection_->frames_.finish(*this, {});
    connection_->flush_soon();
}

task<std::optional<std::string>> client_stream::read() {
    const auto kept = shared_from_this();
    while (piece_.empty()) {
        if (is_over()) co_return std::nullopt;
        reader_ = waiter::make();
        const auto mine = reader_;
        co_await mine->wait();
    }
    auto piece = std::exchange(piece_, {});
    if (!closed_ && !connection_->ended_) {
        connection_->frames_.consume(*this, piece.size());
        connection_->flush_soon();
    }
    co_return std::move(piece);
}

call_fault client_stream::fault() const noexcept {
    if (whole_) return call_fault::none;
    if (late_) return call_fault::deadline;
    return unhandled_ ? call_fault::unhandled : call_fault::lost;
}

void client_stream::on_field(std::string_view name, std::string_view value) {
    if (head_done_) trailers_.add(name, value);
    else if (name == ":status") std::from_chars(value.data(), value.data() + value.size(), status_);
    else head_.add(name, value);
}

// What comes before a final status are only hints.
void client_stream::on_fields_end() {
    if (status_ >= 200) head_done_ = true;
    else head_.clear();
}

void client_stream::on_data(std::string_view bytes) {
    piece_ += bytes;
    wake(reader_);
}

void client_stream::on_end() {
    whole_ = true;
    timer_.cancel();
    wake(reader_);
    wake(writer_);
}

void client_stream::on_close(std::uint32_t, bool unhandled) {
    closed_ = true;
    unhandled_ = unhandled;
    timer_.cancel();
    wake(reader_);
    wake(writer_);
}

}  // namespace bv::http2
