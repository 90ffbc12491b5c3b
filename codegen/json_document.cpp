#include "codegen/json_document.hpp"

namespace bv::codegen {

void json_document::line() {
    out_ += '\n';
    out_.append(ends_.size(), ' ');
}

void json_document::begin(std::string_view key) {
    if (!first_) out_ += ',';
    if (!ends_.empty()) line();
    first_ = false;
    if (key.empty()) return;
    text(key);
    out_ += ": ";
}

void json_document::open(std::string_view key, char bracket) {
    begin(key);
    out_ += bracket;
    ends_ += bracket == '{' ? '}' : ']';
    first_ = true;
}

void json_document::close() {
    const char end = ends_.back();
    ends_.pop_back();
    if (!first_) line();
    out_ += end;
    first_ = false;
}

void json_document::member(std::string_view key, const std::vector<std::string>& values) {
    open_array(key);
    for (const std::string& value : values) item(value);
    close();
}

void json_document::text(std::string_view value) {
    constexpr char hex[] = "0123456789abcdef";
    out_ += '"';
    for (const char ch : value) {
        const auto c = static_cast<unsigned char>(ch);
        if (ch == '"' || ch == '\\') {
            (out_ += '\\') += ch;
        } else if (ch == '\n') {
            out_ += "\\n";
        } else if (c < 32) {
            ((out_ += "\\u00") += hex[c >> 4]) += hex[c & 15];
        } else {
            out_ += ch;
        }
    }
    out_ += '"';
}

}  // namespace bv::codegen
