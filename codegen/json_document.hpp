// A JSON document written from beginning to end, indented.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bv::codegen {

class json_document {
public:
    // Inside an object each begins with a key; inside an array the key is empty.
    void open_object(std::string_view key = {}) { open(key, '{'); }
    void open_array(std::string_view key = {}) { open(key, '['); }
    void close();
    void member(std::string_view key, std::string_view value) { begin(key), text(value); }
    void member(std::string_view key, const char* value) { member(key, std::string_view(value)); }
    void member(std::string_view key, bool value) { begin(key), out_ += value ? "true" : "false"; }
    void member(std::string_view key, std::int64_t value) { begin(key), out_ += std::to_string(value); }
    void member(std::string_view key, const std::vector<std::string>& values);
    void item(std::string_view value) { begin({}), text(value); }
    // A finished document as the value.
    void raw(std::string_view key, std::string_view json) { begin(key), out_ += json; }

    [[nodiscard]] const std::string& str() const noexcept { return out_; }

private:
    void open(std::string_view key, char bracket);
    void begin(std::string_view key);
    void text(std::string_view);
    void line();

    std::string out_;
    std::string ends_;    // the brackets that are open, as they will close
    bool first_ = true;   // nothing was written yet since the last bracket opened
};

}  // namespace bv::codegen
