#include "app/replay/json_fields.hpp"

#include <charconv>

#include <boost/json.hpp>

namespace bv::replay {

namespace json = boost::json;

const json::value* field_at(const json::value& v, std::string_view path) noexcept {
    const json::value* at = &v;
    while (!path.empty()) {
        const auto dot = path.find('.');
        const auto name = path.substr(0, dot);
        path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
        if (!at->is_object()) return nullptr;
        at = at->get_object().if_contains({name.data(), name.size()});
        if (!at) return nullptr;
    }
    return at;
}

std::string text_at(const json::value& v, std::string_view path) {
    const auto* field = field_at(v, path);
    if (!field || field->is_null()) return {};
    return field->is_string() ? std::string(field->get_string()) : json::serialize(*field);
}

std::int64_t number_at(const json::value& v, std::string_view path) {
    const auto text = text_at(v, path);
    std::int64_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

const json::array& items_at(const json::value& v, std::string_view path) {
    static const json::array none;
    const auto* field = field_at(v, path);
    return field && field->is_array() ? field->get_array() : none;
}

std::string json_string(std::string_view text) { return json::serialize(json::string_view(text.data(), text.size())); }

}  // namespace bv::replay
