#include "domains/commerce/notification/adapters/smtp_reply.hpp"

#include <tuple>

#include "platform/testing/fuzz.hpp"

namespace {

using bv::notification::smtp_reply_reader;

// The first reply and where it ended, fed `step` bytes at a time.
std::tuple<smtp_reply_reader::state, int, std::vector<std::string>, std::size_t> first_reply(std::string_view bytes, std::size_t step) {
    smtp_reply_reader reader;
    std::size_t used = 0;
    while (used < bytes.size() && reader.where() == smtp_reply_reader::state::more) {
        const auto piece = bytes.substr(used, step);
        const auto taken = reader.put(piece);
        BV_ASSERT(taken <= piece.size() && (taken > 0 || reader.where() != smtp_reply_reader::state::more));
        used += taken;
    }
    if (reader.where() != smtp_reply_reader::state::done) return {reader.where(), 0, {}, 0};
    const auto reply = reader.take();
    BV_ASSERT(reply.code >= 200 && reply.code <= 599 && !reply.lines.empty());
    return {smtp_reply_reader::state::done, reply.code, reply.lines, used};
}

}  // namespace

BV_FUZZ(smtp_reply) {
    BV_ASSERT(first_reply(bytes, bytes.size() + 1) == first_reply(bytes, 1));
    // No line of a message may end it: only the last one is a lone dot.
    const auto data = bv::notification::smtp_data(bytes);
    BV_ASSERT(data.ends_with(".\r\n") && data.find("\r\n.\r\n") >= data.size() - 5);
}
