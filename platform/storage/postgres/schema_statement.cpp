#include "platform/storage/postgres/schema_statement.hpp"

#include <map>
#include <mutex>
#include <string>

#include "platform/core/assert.hpp"

namespace bv::pg {

statement statement_in(std::string_view schema, std::string_view name, std::string_view sql) {
    BV_ASSERT(!schema.empty() && schema.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == schema.npos);
    static std::mutex mutex;
    // Nodes stay where they are; never destroyed, because connections may outlive static objects.
    static auto& statements = *new std::map<std::string, std::string>;
    std::string text(sql);
    constexpr std::string_view placeholder = "{{schema}}";
    for (auto at = text.find(placeholder); at != text.npos; at = text.find(placeholder, at + schema.size())) {
        text.replace(at, placeholder.size(), schema);
    }
    const std::scoped_lock guard(mutex);
    const auto [it, added] = statements.try_emplace(std::string(schema) + "." + std::string(name), text);
    BV_ASSERT(it->second == text && "two statements of one name");
    return {it->first, it->second};
}

}  // namespace bv::pg
