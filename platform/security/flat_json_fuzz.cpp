#include "platform/security/flat_json.hpp"

#include "platform/security/claims.hpp"
#include "platform/testing/fuzz.hpp"

namespace {

struct written {
    std::string& out;
    void operator()(std::nullptr_t) const { out += "null"; }
    void operator()(bool value) const { out += value ? "true" : "false"; }
    void operator()(std::int64_t value) const { out += std::to_string(value); }
    void operator()(const std::string& value) const { bv::security::append_quoted(out, value); }
    void operator()(const std::vector<std::string>& values) const {
        out += '[';
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (i > 0) out += ',';
            bv::security::append_quoted(out, values[i]);
        }
        out += ']';
    }
};

}  // namespace

// What is read of a token can be written, and reads as the same; the claims made of it too.
BV_FUZZ(flat_json) {
    if (const auto object = bv::security::parse_flat_json(bytes)) {
        std::string text = "{";
        for (const auto& [name, value] : *object) {
            if (text.size() > 1) text += ',';
            bv::security::append_quoted(text, name);
            text += ':';
            std::visit(written{text}, value);
        }
        text += '}';
        const auto back = bv::security::parse_flat_json(text);
        BV_ASSERT(back && *back == *object);
    }
    if (const auto claims = bv::security::parse_claims(bytes)) {
        const auto back = bv::security::parse_claims(bv::security::claims_json(*claims));
        BV_ASSERT(back && back->subject == claims->subject && back->expires_at == claims->expires_at && back->scopes == claims->scopes && back->roles == claims->roles);
    }
}
