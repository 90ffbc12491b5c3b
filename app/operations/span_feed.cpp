#include "app/operations/span_feed.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace bv::operations {

namespace {

using telemetry::hex;
using telemetry::span_record;

void put(std::string& out, std::string_view text) { out += fmt::format("{}:{}", text.size(), text); }
void put(std::string& out, std::int64_t n) { put(out, std::to_string(n)); }

void put(std::string& out, const span_record& s) {
    put(out, hex(s.trace)), put(out, hex(s.id)), put(out, hex(s.parent));
    put(out, static_cast<int>(s.kind)), put(out, s.failed ? 1 : 0), put(out, s.name), put(out, s.status_message);
    put(out, s.start.time_since_epoch().count()), put(out, s.duration.count()), put(out, s.dropped);
    put(out, static_cast<std::int64_t>(s.attributes.size()));
    for (const auto& a : s.attributes) {
        const auto* number = std::get_if<std::int64_t>(&a.value);
        put(out, a.key), put(out, number ? 1 : 0);
        if (number) put(out, *number);
        else put(out, std::get<std::string>(a.value));
    }
    put(out, static_cast<std::int64_t>(s.links.size()));
    for (const auto& l : s.links) put(out, hex(l.trace)), put(out, hex(l.span));
}

class reader {
public:
    explicit reader(std::string_view text) : rest_(text) {}
    [[nodiscard]] bool good() const noexcept { return good_; }
    [[nodiscard]] bool done() const noexcept { return rest_.empty(); }
    std::string_view text() {
        std::size_t size = 0;
        const auto colon = rest_.find(':');
        const auto* from = rest_.data();
        if (colon == rest_.npos || std::from_chars(from, from + colon, size).ptr != from + colon || rest_.size() - colon - 1 < size) {
            good_ = false;
            rest_ = {};
            return {};
        }
        const auto out = rest_.substr(colon + 1, size);
        rest_.remove_prefix(colon + 1 + size);
        return out;
    }
    std::int64_t number() {
        const auto t = text();
        std::int64_t out = 0;
        if (std::from_chars(t.data(), t.data() + t.size(), out).ptr != t.data() + t.size() || t.empty()) good_ = false;
        return out;
    }
    template <class Id>
    void id(Id& out) {
        if (!telemetry::parse_hex(text(), out)) good_ = false;
    }

private:
    std::string_view rest_;
    bool good_ = true;
};

constexpr std::int64_t most_parts = 1'000;  // a span has 32 of each at most

telemetry::finished_span take(reader& in) {
    auto s = std::make_shared<span_record>();
    in.id(s->trace), in.id(s->id), in.id(s->parent);
    s->kind = static_cast<telemetry::span_kind>(std::clamp<std::int64_t>(in.number(), 0, 4));
    s->failed = in.number() == 1;
    s->name = in.text(), s->status_message = in.text();
    s->start = time_point(time_point::duration(in.number()));
    s->duration = std::chrono::nanoseconds(in.number());
    s->dropped = static_cast<std::uint32_t>(in.number());
    for (auto left = std::min(in.number(), most_parts); in.good() && left > 0; --left) {
        telemetry::attribute a{std::string(in.text()), {}};
        if (in.number() == 1) a.value = in.number();
        else a.value = std::string(in.text());
        s->attributes.push_back(std::move(a));
    }
    for (auto left = std::min(in.number(), most_parts); in.good() && left > 0; --left) in.id(s->links.emplace_back().trace), in.id(s->links.back().span);
    return s;
}

}  // namespace

void span_outlet::export_spans(std::span<const telemetry::finished_span> spans) {
    const std::scoped_lock lock(mutex_);
    for (const auto& s : spans) kept_.push_back(s), ++last_;
    while (kept_.size() > most_) kept_.pop_front();
}

std::string span_outlet::after(std::uint64_t number) const {
    std::vector<telemetry::finished_span> wanted;
    std::uint64_t last = 0;
    {
        const std::scoped_lock lock(mutex_);
        last = last_;
        // A number of before a restart is beyond the last one.
        const auto fresh = number > last_ ? kept_.size() : std::min<std::uint64_t>(last_ - number, kept_.size());
        wanted.assign(kept_.end() - static_cast<std::ptrdiff_t>(fresh), kept_.end());
    }
    std::string out;
    put(out, static_cast<std::int64_t>(last));
    for (const auto& s : wanted) put(out, *s);
    return out;
}

bool parse_spans(std::string_view text, span_batch& out) {
    reader in(text);
    out.last = static_cast<std::uint64_t>(in.number());
    while (in.good() && !in.done()) {
        auto s = take(in);
        if (in.good()) out.spans.push_back(std::move(s));
    }
    return in.good();
}

}  // namespace bv::operations
