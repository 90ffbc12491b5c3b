#include "platform/rpc/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

namespace bv {
namespace {

constexpr std::size_t longest = 64;  // what is longer is no slip of the pen

std::string plain(std::string_view name) {
    std::string out;
    for (const char c : name)
        if (c != '_' && c != '-') out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

// Levenshtein's distance.
std::size_t edits(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replace = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replace, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

// "qty" for "quantity": the same letters in the same order, beginning with the same one.
bool abbreviates(std::string_view shorter, std::string_view name) {
    if (shorter.size() < 3 || name.empty() || shorter.front() != name.front()) return false;
    std::size_t at = 0;
    for (const char c : name)
        if (at < shorter.size() && shorter[at] == c) ++at;
    return at == shorter.size();
}

}  // namespace

std::string_view nearest(std::string_view wrong, std::span<const std::string_view> names) {
    if (wrong.empty() || wrong.size() > longest) return {};
    const std::string from = plain(wrong);
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(1, from.size() / 3) + 1;
    for (const std::string_view name : names) {
        if (name.size() > longest) continue;
        const std::size_t distance = edits(from, plain(name));
        if (distance < best_distance) best = name, best_distance = distance;
    }
    if (!best.empty()) return best;
    for (const std::string_view name : names)
        if (abbreviates(from, plain(name))) return name;
    return {};
}

}  // namespace bv
