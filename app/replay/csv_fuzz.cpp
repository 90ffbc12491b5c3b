#include "app/replay/csv.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "platform/testing/fuzz.hpp"

namespace {

class memory_source final : public bv::replay::text_source {
public:
    memory_source(std::string_view text, std::size_t step) : rest_(text), step_(step) {}
    bool read(std::string& out) override {
        if (rest_.empty()) return false;
        const auto piece = rest_.substr(0, step_);
        out.append(piece);
        rest_.remove_prefix(piece.size());
        consumed_ += piece.size();
        return true;
    }
    [[nodiscard]] std::uint64_t consumed() const override { return consumed_; }

private:
    std::string_view rest_;
    std::size_t step_;
    std::uint64_t consumed_ = 0;
};

struct record {
    std::vector<std::string> fields;
    std::uint64_t line;
    bool broken;
    bool operator==(const record&) const = default;
};

std::vector<record> records(std::string_view text, std::size_t step) {
    memory_source source(text, step);
    bv::replay::csv_reader reader(source);
    std::vector<record> out;
    for (std::vector<std::string> fields; reader.next(fields);) out.push_back({fields, reader.line(), reader.broken()});
    return out;
}

std::string written(const std::vector<record>& all) {
    std::string out;
    for (const auto& r : all) {
        for (std::size_t i = 0; i < r.fields.size(); ++i) {
            out += i == 0 ? "\"" : ",\"";
            for (const char c : r.fields[i]) out.append(c == '"' ? 2 : 1, c);
            out += '"';
        }
        out += "\r\n";
    }
    return out;
}

}  // namespace

// Records do not depend on how the file was read, lines only grow, only the last may be broken, and what is written as RFC 4180 says
// reads as the same.
BV_FUZZ(csv) {
    const auto whole = records(bytes, bytes.size() + 1);
    BV_ASSERT(whole == records(bytes, 1));
    for (std::size_t i = 0; i < whole.size(); ++i) {
        BV_ASSERT(!whole[i].fields.empty() && (i == 0 || whole[i].line > whole[i - 1].line));
        BV_ASSERT(!whole[i].broken || i + 1 == whole.size());
    }
    BV_ASSERT(whole.empty() || whole.back().line <= 1 + static_cast<std::uint64_t>(std::ranges::count(bytes, '\n')));
    const auto again = records(written(whole), 4096);
    BV_ASSERT(again.size() == whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) BV_ASSERT(again[i].fields == whole[i].fields && !again[i].broken);
}
