#include "platform/rpc/path_template.hpp"

#include "platform/testing/fuzz.hpp"

BV_FUZZ(path_template) {
    const auto parsed = bv::rpc::path_template::parse(bytes);
    if (!parsed) return;
    using kind = bv::rpc::path_template::kind;
    for (std::size_t i = 0; i < parsed->segments.size(); ++i) {
        const auto& segment = parsed->segments[i];
        BV_ASSERT(segment.kind != kind::text || !segment.text.empty());
        BV_ASSERT(segment.kind != kind::rest || i + 1 == parsed->segments.size());
    }
    for (const auto& variable : parsed->variables) {
        BV_ASSERT(!variable.field.empty());
        BV_ASSERT(variable.first < parsed->segments.size());
        BV_ASSERT(variable.last == bv::rpc::path_template::to_the_end || (variable.first < variable.last && variable.last <= parsed->segments.size()));
    }
}
