#include "platform/security/flat_json.hpp"

#include <charconv>

#include <fmt/format.h>

namespace bv::security {

namespace {

constexpr std::size_t max_members = 64;
constexpr std::size_t max_elements = 256;

class reader {
public:
    explicit reader(std::string_view text) : rest_(text) {}

    std::optional<flat_object> object() {
        flat_object out;
        if (!take('{')) return std::nullopt;
        if (!take('}')) {
            do {
                auto key = string();
                if (!key || !take(':') || out.size() >= max_members) return std::nullopt;
                auto v = value();
                if (!v || !out.emplace(std::move(*key), std::move(*v)).second) return std::nullopt;
            } while (take(','));
            if (!take('}')) return std::nullopt;
        }
        skip_space();
        if (!rest_.empty()) return std::nullopt;
        return out;
    }

private:
    void skip_space() noexcept {
        while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_.front()) != std::string_view::npos) rest_.remove_prefix(1);
    }
    bool take(char c) noexcept {
        skip_space();
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool take_word(std::string_view word) noexcept {
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }

    std::optional<flat_value> value() {
        skip_space();
        if (rest_.starts_with('"')) {
            if (auto s = string()) return flat_value(std::move(*s));
            return std::nullopt;
        }
        if (rest_.starts_with('[')) return array();
        if (take_word("true")) return flat_value(true);
        if (take_word("false")) return flat_value(false);
        if (take_word("null")) return flat_value(nullptr);
        return integer();
    }

    std::optional<flat_value> array() {
        std::vector<std::string> out;
        if (!take('[')) return std::nullopt;
        if (take(']')) return flat_value(std::move(out));
        do {
            auto s = string();
            if (!s || out.size() >= max_elements) return std::nullopt;
            out.push_back(std::move(*s));
        } while (take(','));
        if (!take(']')) return std::nullopt;
        return flat_value(std::move(out));
    }

    std::optional<flat_value> integer() {
        std::int64_t number = 0;
        const auto [end, ec] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
        const auto length = static_cast<std::size_t>(end - rest_.data());
        if (ec != std::errc{} || length == 0) return std::nullopt;
        const std::string_view digits = rest_.substr(rest_.front() == '-' ? 1 : 0);
        const bool leading_zero = digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9';
        rest_.remove_prefix(length);
        // A fraction or exponent after it is seen as what may not follow a value.
        if (leading_zero) return std::nullopt;
        return flat_value(number);
    }

    std::optional<std::string> string() {
        if (!take('"')) return std::nullopt;
        std::string out;
        while (!rest_.empty()) {
            const char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '"') return out;
            if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
            if (c != '\\') out += c;
            else if (!escape(out)) return std::nullopt;
        }
        return std::nullopt;
    }

    bool escape(std::string& out) {
        if (rest_.empty()) return false;
        const char c = rest_.front();
        rest_.remove_prefix(1);
        switch (c) {
            case '"': case '\\': case '/': out += c; return true;
            case 'b': out += '\b'; return true;
            case 'f': out += '\f'; return true;
            case 'n': out += '\n'; return true;
            case 'r': out += '\r'; return true;
            case 't': out += '\t'; return true;
            case 'u': return ascii_escape(out);
            default: return false;
        }
    }

    // Our tokens hold ASCII only where they need escapes: other code points are refused.
    bool ascii_escape(std::string& out) {
        unsigned point = 0;
        if (rest_.size() < 4) return false;
        const auto [end, ec] = std::from_chars(rest_.data(), rest_.data() + 4, point, 16);
        if (ec != std::errc{} || end != rest_.data() + 4 || point == 0 || point > 0x7f) return false;
        rest_.remove_prefix(4);
        out += static_cast<char>(point);
        return true;
    }

    std::string_view rest_;
};

}  // namespace

std::optional<flat_object> parse_flat_json(std::string_view text) { return reader(text).object(); }

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    out += '"';
}

}  // namespace bv::security
