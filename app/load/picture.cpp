// The report as an SVG: latency and rate over the time, and latency by percentile for each call.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "app/load/report.hpp"

namespace bv::load {

namespace {

constexpr double width = 960, left = 76, right = 176, plot_width = width - left - right;
constexpr std::size_t most_curves = 8;
constexpr const char* style = R"(<style>
  .bg{fill:#fff}.t{fill:#1a2233;font-size:17px;font-weight:600}.h{fill:#1a2233;font-size:13px;font-weight:600}.s{fill:#55617a;font-size:12px}.g{stroke:#e1e6ee;stroke-width:1}.f{stroke:#aab5c5;fill:none}
  .l{fill:none;stroke-width:1.8;stroke-linejoin:round}.k{stroke-width:3}.a{fill:#5b8def;fill-opacity:.16;stroke:#5b8def;stroke-width:1.2}.w{stroke:#7a869c;stroke-dasharray:5 4}
  .c0{stroke:#2f6fde}.c1{stroke:#2f9e6b}.c2{stroke:#d4544a}.c3{stroke:#c98a1b}.c4{stroke:#8457c9}.c5{stroke:#1798a6}.c6{stroke:#b8488f}.c7{stroke:#6b7688}
  @media (prefers-color-scheme: dark){.bg{fill:#0f141d}.t,.h{fill:#e6ebf3}.s{fill:#9aa6ba}.g{stroke:#222c3c}.f{stroke:#46536a}
  .c0{stroke:#6ea0ff}.c1{stroke:#46c48a}.c2{stroke:#f0756b}.c3{stroke:#e6ae48}.c4{stroke:#b08cf0}.c5{stroke:#3fc4d2}.c6{stroke:#e07ab8}.c7{stroke:#9aa6ba}}
</style>)";

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '<') out += "&lt;";
        else if (c == '&') out += "&amp;";
        else out += c;
    }
    return out;
}

// A logarithmic axis of latencies over whole decades.
class log_axis {
public:
    log_axis(double least, double most) : low_(std::floor(std::log10(std::max(10.0, least)))), high_(std::max(low_ + 1, std::ceil(std::log10(std::max(100.0, most))))) {}
    // 0 at the bottom, 1 at the top.
    [[nodiscard]] double at(double us) const { return std::clamp((std::log10(std::max(1.0, us)) - low_) / (high_ - low_), 0.0, 1.0); }
    void decades(const std::function<void(double us)>& each) const {
        for (double d = low_; d <= high_; ++d) each(std::pow(10, d));
    }

private:
    double low_, high_;
};

class panel {
public:
    panel(std::string& out, double top, double height, std::string_view title) : out_(out), top_(top), height_(height) {
        out_ += fmt::format("<text class=\"h\" x=\"{}\" y=\"{}\">{}</text>\n<rect class=\"f\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n", left, top - 10, title, left, top, plot_width, height);
    }
    [[nodiscard]] double x(double share) const { return left + share * plot_width; }
    [[nodiscard]] double y(double share) const { return top_ + (1 - share) * height_; }
    void row(double share, std::string_view label) {
        out_ += fmt::format("<path class=\"g\" d=\"M{} {:.1f}h{}\"/><text class=\"s\" x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", left, y(share), plot_width, left - 8, y(share) + 4, label);
    }
    void column(double share, std::string_view label) {
        out_ += fmt::format("<path class=\"g\" d=\"M{:.1f} {}v{}\"/><text class=\"s\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", x(share), top_, height_, x(share), top_ + height_ + 18, label);
    }
    void latencies(const log_axis& axis) {
        axis.decades([&](double us) { row(axis.at(us), us < 1e3 ? fmt::format("{:g} µs", us) : us < 1e6 ? fmt::format("{:g} ms", us / 1e3) : fmt::format("{:g} s", us / 1e6)); });
    }
    void curve(std::size_t colour, const std::vector<std::pair<double, double>>& points, std::string_view name, double label_y) {
        if (points.empty()) return;
        std::string d;
        for (const auto& [px, py] : points) d += fmt::format("{}{:.1f} {:.1f}", d.empty() ? 'M' : 'L', x(px), y(py));
        if (points.size() == 1) d += "h2";
        out_ += fmt::format("<path class=\"l c{}\" d=\"{}\"/>\n<path class=\"l k c{}\" d=\"M{} {:.1f}h16\"/><text class=\"s\" x=\"{}\" y=\"{:.1f}\">{}</text>\n", colour, d, colour,
                            width - right + 16, label_y - 4, width - right + 40, label_y, escaped(name));
    }
    void area(const std::vector<std::pair<double, double>>& points) {
        std::string d = fmt::format("M{:.1f} {:.1f}", x(points.front().first), y(0));
        for (const auto& [px, py] : points) d += fmt::format("L{:.1f} {:.1f}", x(px), y(py));
        out_ += fmt::format("<path class=\"a\" d=\"{}L{:.1f} {:.1f}z\"/>\n", d, x(points.back().first), y(0));
    }
    void dashed(double share) { out_ += fmt::format("<path class=\"w\" d=\"M{} {:.1f}h{}\"/>\n", left, y(share), plot_width); }
    void note(double text_y, std::string_view text) { out_ += fmt::format("<text class=\"s\" x=\"{}\" y=\"{:.1f}\">{}</text>\n", width - right + 16, text_y, escaped(text)); }

private:
    std::string& out_;
    double top_, height_;
};

// 1, 2 or 5 times a power of ten, so that about `count` of them make `whole`.
double step_of(double whole, double count) {
    const auto raw = std::max(whole, 1e-9) / count, power = std::pow(10, std::floor(std::log10(raw)));
    for (const double m : {1.0, 2.0, 5.0})
        if (m * power >= raw) return m * power;
    return 10 * power;
}

// A slot's middle, as a share of the time. The last slot may be cut short.
double middle_of(const report& r, std::size_t n) { return std::min(1.0, (static_cast<double>(n) + 0.5) * r.slot_seconds / std::max(r.seconds, r.slot_seconds)); }

std::size_t slots_used(const report& r) {
    return std::min(r.slots.size(), static_cast<std::size_t>(std::ceil(std::max(r.seconds, r.slot_seconds) / r.slot_seconds)));
}

void time_columns(panel& p, const report& r) {
    const auto step = step_of(r.seconds, 8);
    for (double t = 0; t <= r.seconds + 1e-9 && r.seconds > 0; t += step) p.column(t / r.seconds, fmt::format("{:g} s", t));
}

void draw_latency_over_time(std::string& out, const report& r, const row& all) {
    panel p(out, 96, 170, "latency over the time, from when a request was due");
    const log_axis axis(static_cast<double>(all.latency.quantile_us(0.1)), static_cast<double>(all.latency.max_us()));
    p.latencies(axis);
    time_columns(p, r);
    const std::array<std::pair<const char*, double>, 3> curves{{{"p50", 0.5}, {"p99", 0.99}, {"max", 1.0}}};
    const std::array<std::size_t, 3> colours{0, 3, 2};
    for (std::size_t c = 0; c < curves.size(); ++c) {
        std::vector<std::pair<double, double>> points;
        for (std::size_t n = 0; n < slots_used(r); ++n)
            if (const auto& l = r.slots[n].latency; l.count() > 0) points.emplace_back(middle_of(r, n), axis.at(static_cast<double>(l.quantile_us(curves[c].second))));
        const auto whole = static_cast<double>(all.latency.quantile_us(curves[c].second));
        p.curve(colours[c], points, fmt::format("{}  {}", curves[c].first, shown(whole)), 112 + 22 * static_cast<double>(c));
    }
}

void draw_rate(std::string& out, const report& r) {
    panel p(out, 326, 90, "requests answered a second");
    double most = std::max(1.0, std::ranges::all_of(r.how.calls, [](const call& c) { return !c.is_journey; }) ? r.how.rate : 0.0);
    std::vector<double> rates;
    for (std::size_t n = 0; n < slots_used(r); ++n) {
        // The last slot may be cut short.
        const auto length = std::min(r.slot_seconds, std::max(0.2, r.seconds - static_cast<double>(n) * r.slot_seconds));
        rates.push_back(static_cast<double>(r.slots[n].answered) / length);
        most = std::max(most, rates.back());
    }
    const auto step = step_of(most * 1.05, 3);
    const auto top = step * std::ceil(most * 1.02 / step);
    for (double v = 0; v <= top + 1e-9; v += step) p.row(v / top, fmt::format("{:g}", v));
    time_columns(p, r);
    std::vector<std::pair<double, double>> points;
    for (std::size_t n = 0; n < rates.size(); ++n) points.emplace_back(middle_of(r, n), rates[n] / top);
    if (!points.empty()) p.area(points);
    p.note(342, fmt::format("{:.0f} a second", r.per_second()));
    if (r.how.rate > 0 && r.how.rate / top <= 1 && std::ranges::none_of(r.how.calls, &call::is_journey)) {
        p.dashed(r.how.rate / top);
        p.note(362, fmt::format("- - asked: {:g}", r.how.rate));
    }
    if (const auto failed = r.total().failed(); failed > 0) p.note(382, fmt::format("{} failed", failed));
}

void draw_percentiles(std::string& out, const report& r, const row& all) {
    panel p(out, 486, 210, "latency by percentile");
    std::vector<std::pair<std::string, const row*>> rows;
    for (const auto& [name, row] : r.rows)
        if (row.latency.count() > 0) rows.emplace_back(name, &row);
    std::ranges::sort(rows, [](const auto& a, const auto& b) { return a.second->latency.count() > b.second->latency.count(); });
    if (rows.size() > most_curves) rows.resize(most_curves);
    double least = static_cast<double>(all.latency.quantile_us(0.0)), most = static_cast<double>(all.latency.max_us());
    for (const auto& [_, row] : rows) most = std::max(most, static_cast<double>(row->latency.max_us()));
    const log_axis axis(least, most);
    p.latencies(axis);
    // Each nine takes the same width: what 1 in 1/(1-q) requests meets.
    const double nines = 4;
    for (const auto& [q, label] : {std::pair{0.0, "0"}, {0.5, "50 %"}, {0.9, "90 %"}, {0.99, "99 %"}, {0.999, "99.9 %"}, {0.9999, "99.99 %"}})
        p.column(-std::log10(1 - q) / nines, label);
    for (std::size_t c = 0; c < rows.size(); ++c) {
        std::vector<std::pair<double, double>> points;
        const auto& l = rows[c].second->latency;
        const auto last = std::min(nines, std::log10(static_cast<double>(l.count())) + 0.01);
        for (double n = 0; n <= last; n += 0.05) points.emplace_back(n / nines, axis.at(static_cast<double>(l.quantile_us(1 - std::pow(10, -n)))));
        p.curve(c, points, rows[c].first, 502 + 22 * static_cast<double>(c));
    }
}

// The first of them, in two lines at most.
void draw_doubts(std::string& out, const report& r) {
    constexpr std::size_t line = 130;
    const auto doubts = r.doubts();
    if (doubts.empty()) return;
    auto text = doubts.front() + (doubts.size() > 1 ? fmt::format(" (and {} more)", doubts.size() - 1) : "");
    for (double y = 738; !text.empty(); y += 17) {
        const auto end = text.size() <= line ? text.size() : text.rfind(' ', line);
        out += fmt::format("<text class=\"s\" x=\"{}\" y=\"{}\">{}</text>\n", left, y, escaped(text.substr(0, end)));
        text.erase(0, end + 1);
    }
}

}  // namespace

std::string picture(const report& r) {
    const auto all = r.total();
    std::string out = fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} 770\" role=\"img\" font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif\">\n"
                                  "<title>Load: {}</title>\n{}\n<rect class=\"bg\" width=\"{}\" height=\"770\" rx=\"12\"/>\n<text class=\"t\" x=\"{}\" y=\"34\">{}</text>\n<text class=\"s\" x=\"{}\" y=\"56\">{}</text>\n",
                                  width, escaped(r.how.name), style, width, left, escaped(r.how.name), left,
                                  r.how.rate > 0 ? fmt::format("open loop, {:g} arrivals a second; {} answered, {} failed in {:.0f} s", r.how.rate, all.answered, all.failed(), r.seconds)
                                                 : fmt::format("closed loop, {} callers; {} answered, {} failed in {:.0f} s", r.how.most_under_way(), all.answered, all.failed(), r.seconds));
    draw_latency_over_time(out, r, all);
    draw_rate(out, r);
    draw_percentiles(out, r, all);
    draw_doubts(out, r);
    return out + "</svg>\n";
}

}  // namespace bv::load
