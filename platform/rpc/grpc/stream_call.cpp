#include "platform/rpc/grpc/stream_call.hpp"

#include <utility>

#include "platform/core/error.hpp"
#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/message.hpp"

namespace bv::rpc::grpc {

open_call::open_call(std::shared_ptr<http2::client_stream> s, bool gzip, std::size_t most, std::function<failure(http2::call_fault)> failed, telemetry::span span)
    : stream_(std::move(s)), gzip_(gzip), most_(most), failed_(std::move(failed)), span_(std::move(span)) {}

task<bool> open_call::write(const google::protobuf::MessageLite& m) {
    std::string framed(prefix, '\0');
    if (const auto written = append_message(framed, m); !written) throw failure(written.error());
    if (gzip_) framed = frame(std::string_view(framed).substr(prefix), true);
    else close_frame(framed, 0, false);
    co_return co_await stream_->write(framed);
}

task<result<bool>> open_call::read(google::protobuf::MessageLite& into) {
    while (true) {
        if (reader_) {
            auto message = reader_->next();
            if (!message) co_return std::unexpected(std::move(message.error()));
            if (*message) {
                if (auto parsed = parse_message(**message, into); !parsed) co_return std::unexpected(std::move(parsed.error()));
                co_return true;
            }
        }
        auto piece = co_await stream_->read();
        if (!piece) co_return ended();
        if (!reader_) reader_.emplace(stream_->head().get("grpc-encoding"), most_);
        reader_->put(*piece);
    }
}

result<bool> open_call::ended() {
    if (stream_->fault() != http2::call_fault::none) {
        auto f = failed_(stream_->fault());
        span_.fail(f.error().reason);
        throw failure(std::move(f));
    }
    // An answer that is its status only has it in its head.
    const auto& fields = stream_->trailers().find("grpc-status") ? stream_->trailers() : stream_->head();
    if (auto refused = status_of(fields, stream_->status())) return std::unexpected(std::move(*refused));
    if (reader_ && !reader_->empty()) return fail(code::internal, "MALFORMED_FRAME", "the answer ends within a message");
    return false;
}

}  // namespace bv::rpc::grpc
