#include "platform/rpc/grpc/stream.hpp"

#include <memory>
#include <utility>

#include "platform/rpc/grpc/status.hpp"
#include "platform/rpc/grpc/wire.hpp"
#include "platform/rpc/problem.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::rpc::grpc {

namespace {

class body_messages final : public incoming {
public:
    body_messages(http::body_reader& body, std::string_view encoding, std::size_t most) : body_(body), reader_(encoding, most) {}

    task<result<std::optional<std::string>>> next() override {
        while (true) {
            auto message = reader_.next();
            if (!message || *message) co_return message;
            auto piece = co_await body_.read();
            if (!piece) co_return std::unexpected(std::move(piece.error()));
            if (*piece) {
                reader_.put(**piece);
            } else if (reader_.empty()) {
                co_return std::nullopt;
            } else {
                co_return fail(code::internal, "MALFORMED_FRAME", "The stream ends within a message.");
            }
        }
    }

private:
    http::body_reader& body_;
    message_reader reader_;
};

class written_messages final : public outgoing {
public:
    explicit written_messages(http::body_writer& out) : out_(out) {}
    task<bool> write(std::string_view message) override { co_return co_await out_.write(frame(message, false)); }

private:
    http::body_writer& out_;
};

task<void> run(const streamed& method, std::shared_ptr<body_messages> in, std::shared_ptr<context> ctx, http::body_writer& writer) {
    written_messages out(writer);
    http::fields trailers;
    error broken;
    bool failed = false;
    try {
        const auto ended = co_await method.run(*ctx, *in, out);
        if (ended) trailers = ok_trailers();
        else add_status(trailers, shown(ended.error()));
    } catch (...) {
        failed = true;
        broken = current_error();
    }
    if (failed) {
        if (broken.code != code::cancelled) telemetry::error("rpc.failed", {{"method", method.path}, {"code", name(broken.code)}, {"reason", broken.reason}, {"error", broken.message}}, ctx->trace);
        add_status(trailers, shown(broken));
    }
    writer.finish_with(std::move(trailers));
}

}  // namespace

http::response serve(const streamed& method, const http::request& request, http::body_reader& body, context ctx, std::size_t max_message_bytes) {
    http::response out;
    out.content_type = content_type;
    out.headers.add("grpc-accept-encoding", "identity,gzip");
    auto in = std::make_shared<body_messages>(body, request.headers.get("grpc-encoding"), max_message_bytes);
    auto shared = std::make_shared<context>(std::move(ctx));
    out.stream = [&method, in = std::move(in), shared = std::move(shared)](http::body_writer& writer) { return run(method, in, shared, writer); };
    return out;
}

}  // namespace bv::rpc::grpc
