#include "platform/telemetry/masking.hpp"

#include <algorithm>
#include <array>

namespace bv::telemetry {

namespace {

constexpr std::array sensitive_parts{
    std::string_view("password"), std::string_view("passphrase"), std::string_view("secret"),  std::string_view("token"),
    std::string_view("authorization"), std::string_view("cookie"), std::string_view("credential"),
    std::string_view("email"),    std::string_view("e_mail"),     std::string_view("phone"),   std::string_view("address"),
    std::string_view("name"),     std::string_view("card"),       std::string_view("birth"),   std::string_view("private_key"),
    
};

constexpr std::array harmless_keys{
    std::string_view("event_name"),      std::string_view("service_name"),  std::string_view("role_name"),
    std::string_view("module_name"),     std::string_view("scope_name"),    std::string_view("job_name"),
    std::string_view("span_name"),       std::string_view("metric_name"),   std::string_view("method_name"),
    std::string_view("table_name"),      std::string_view("schema_name"),   std::string_view("database_name"),
    std::string_view("statement_name"),  std::string_view("group_name"),    std::string_view("consumer_name"),
    std::string_view("source_name"),     std::string_view("topic_name"),    std::string_view("migration_name"),
    std::string_view("file_name"),       std::string_view("template_name"), std::string_view("breaker_name"),
    std::string_view("listen_address"),  std::string_view("server_address"),
};

constexpr char folded(char c) noexcept {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return c == '.' || c == '-' ? '_' : c;
}

bool contains_folded(std::string_view text, std::string_view part) noexcept {
    return std::search(text.begin(), text.end(), part.begin(), part.end(),
                       [](char a, char b) { return folded(a) == b; }) != text.end();
}

bool equals_folded(std::string_view text, std::string_view other) noexcept {
    return std::equal(text.begin(), text.end(), other.begin(), other.end(),
                      [](char a, char b) { return folded(a) == b; });
}

constexpr bool is_alphanumeric(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}
// Without '/', '?' and '=', which a mailbox may have too: an address in a query string must not take the URL with it.
constexpr bool is_local(char c) noexcept {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+-^_`{|}~.").find(c) != std::string_view::npos;
}
constexpr bool is_domain(char c) noexcept { return is_alphanumeric(c) || c == '-' || c == '.'; }

}  // namespace

bool is_sensitive_key(std::string_view key) noexcept {
    const bool suspicious = std::ranges::any_of(sensitive_parts, [key](auto part) { return contains_folded(key, part); });
    return suspicious && std::ranges::none_of(harmless_keys, [key](auto known) { return equals_folded(key, known); });
}

std::string masked_text(std::string_view text) {
    std::string out;
    std::size_t copied = 0;
    for (std::size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
        std::size_t first = at;
        while (first > copied && is_local(text[first - 1])) --first;
        std::size_t last = at + 1;
        while (last < text.size() && is_domain(text[last])) ++last;
        while (last > at + 1 && !is_alphanumeric(text[last - 1])) --last;
        if (first == at || last == at + 1) continue;
        out.append(text.substr(copied, first - copied)).append(mask);
        copied = last;
        if (last > at) at = last - 1;
    }
    return out.append(text.substr(copied));
}

}  // namespace bv::telemetry
