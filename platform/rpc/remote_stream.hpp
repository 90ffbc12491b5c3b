// A call with streams as generated clients give it: typed messages either way.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "platform/rpc/channel.hpp"

namespace bv::rpc {

// Used on the thread that opened it; one read and one write at a time. To drop it before its end tells the other side.
template <class Request, class Response>
class remote_stream {
public:
    explicit remote_stream(std::unique_ptr<stream_call> call) : call_(std::move(call)) {}

    // Resumes when the other side can take more. False: the call has ended, and next() says how. The request lives as long as the caller
    // awaits.
    task<bool> write(const Request& r) { return call_->write(r); }
    void finish_writing() { call_->finish_writing(); }
    // nullopt: that was all. What the service refuses is an error; throws as channel::unary does.
    task<result<std::optional<Response>>> next() {
        Response out;
        const auto more = co_await call_->read(out);
        if (!more) co_return std::unexpected(more.error());
        if (!*more) co_return std::nullopt;
        co_return std::move(out);
    }
    // The one answer to a stream of requests, all of which have been written.
    task<result<Response>> answer() {
        finish_writing();
        auto one = co_await next();
        if (!one) co_return std::unexpected(std::move(one.error()));
        if (!*one) co_return fail(code::internal, "MALFORMED_FRAME", "the answer has no message");
        const auto more = co_await next();  // its status comes after it
        if (!more) co_return std::unexpected(more.error());
        co_return std::move(**one);
    }
    [[nodiscard]] stream_call& call() noexcept { return *call_; }

private:
    std::unique_ptr<stream_call> call_;
};

}  // namespace bv::rpc
