#include "app/replay/report.hpp"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "platform/core/error.hpp"
#include "platform/core/os_error.hpp"

namespace bv::replay {

namespace {

constexpr std::size_t shown_lines = 5;

std::string csv_field(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"') out += '"';
        out += c;
    }
    return out + "\"";
}

}  // namespace

struct rejected_lines::csv {
    std::ofstream out;
};

rejected_lines::rejected_lines(const std::filesystem::path& report) {
    if (report.empty()) return;
    csv_ = std::make_unique<csv>();
    csv_->out.open(report, std::ios::trunc);
    if (!csv_->out) throw failure(code::failed_precondition, "REPORT_FILE", fmt::format("{} cannot be written: {}", report.string(), os_error()));
    csv_->out << "line,invoice,reason,detail\n";
}

rejected_lines::~rejected_lines() = default;

void rejected_lines::add(const rejected_line& r) {
    const auto kind = static_cast<std::size_t>(r.why);
    ++counts_[kind];
    if (first_[kind].size() < shown_lines) first_[kind].push_back(r.line);
    if (csv_) csv_->out << fmt::format("{},,{},{}\n", r.line, csv_field(describe(r.why)), csv_field(r.detail));
}

void rejected_lines::add(const refusal_note& n) {
    if (csv_) csv_->out << fmt::format(",{},{},{}\n", csv_field(n.reference), csv_field(n.reason), csv_field(n.detail));
}

std::string rejected_lines::first_lines(unusable why) const { return fmt::format("{}", fmt::join(first_[static_cast<std::size_t>(why)], ", ")); }

std::string grouped(std::int64_t n) {
    auto digits = std::to_string(n < 0 ? -n : n);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
    return n < 0 ? "-" + digits : digits;
}

std::string pounds(std::int64_t minor) {
    const auto size = minor < 0 ? -minor : minor;
    return fmt::format("{}{}.{:02} GBP", minor < 0 ? "-" : "", grouped(size / 100), size % 100);
}

}  // namespace bv::replay
