// Path templates of google.api.http, taken apart.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bv::rpc {

struct path_template {
    enum class kind : unsigned char { text, any, rest };  // a literal; "*": one segment; "**": all that is left
    struct segment {
        path_template::kind kind = kind::text;
        std::string text{};
    };
    static constexpr std::size_t to_the_end = static_cast<std::size_t>(-1);
    struct variable {
        std::string field;       // "id", "product.sku"
        std::size_t first = 0;   // the segments that it holds: [first, last)
        std::size_t last = 0;
    };
    std::vector<segment> segments{};
    std::vector<variable> variables{};
    std::string verb{};          // "cancel" of ":cancel"

    // nullopt when malformed: no leading '/', an empty segment, unbalanced braces, "**" not at the end.
    [[nodiscard]] static std::optional<path_template> parse(std::string_view);
};

}  // namespace bv::rpc
