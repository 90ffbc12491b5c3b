// Bytes of a server, cut anywhere: the same replies as when they come at once.
#include <algorithm>

#include "platform/storage/redis/reply.hpp"
#include "platform/storage/redis/topology.hpp"
#include "platform/testing/fuzz.hpp"

namespace {

using namespace bv::redis;

constexpr reply_limits limits{.text_bytes = 4096, .items = 512, .depth = 5};

std::size_t depth_of(const reply& r) {
    std::size_t deepest = 0;
    for (const auto& i : r.items) deepest = std::max(deepest, depth_of(i));
    return r.items.empty() ? 0 : 1 + deepest;
}

void check(const reply& r) {
    BV_ASSERT(r.text.size() <= 64 * 1024 && r.items.size() <= limits.items && depth_of(r) <= limits.depth);
    const address asked{"127.0.0.1", 6379};
    const auto way = redirection_of(r, asked);
    const bool leads = way.is == redirection::kind::moved || way.is == redirection::kind::ask;
    BV_ASSERT(leads == !way.to.host.empty());
    if (const auto map = topology::of_cluster(r, asked)) BV_ASSERT(map->is_cluster() && !map->masters().empty());
}

}  // namespace

BV_FUZZ(redis_reply) {
    reply_reader whole(limits), cut(limits);
    whole.feed(bytes);
    const std::size_t step = 1 + bytes.size() % 7;
    std::size_t fed = 0;
    for (;;) {
        reply a, b;
        const auto said = whole.next(a);
        auto again = cut.next(b);
        while (again == reply_reader::step::more && fed < bytes.size()) {
            cut.feed(bytes.substr(fed, step));
            fed += step;
            again = cut.next(b);
        }
        BV_ASSERT(said == again);
        if (said != reply_reader::step::ready) return;
        BV_ASSERT(a.is == b.is && a.text == b.text && a.integer == b.integer && a.items.size() == b.items.size());
        check(a);
    }
}
