#include "app/demo/narrator.hpp"

#include <thread>

#include <fmt/format.h>

namespace bv::demo {

namespace {
constexpr const char *bold = "1", *dim = "2", *red = "31", *green = "32", *yellow = "33", *cyan = "36";
}

std::string narrator::paint(const char* code, std::string_view text) const { return colours_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text); }

void narrator::scene(std::string_view title, std::string_view what) {
    out_ << fmt::format("\n{}\n  {}\n", paint(bold, fmt::format("{}. {}", ++scenes_, title)), what) << std::flush;
    if (pause_.count() > 0) std::this_thread::sleep_for(pause_);
}

void narrator::asked(std::string_view verb, std::string_view path, std::string_view body) {
    out_ << fmt::format("  {} {} {}", paint(cyan, "→"), paint(cyan, verb), path);
    if (!body.empty()) out_ << "  " << paint(dim, body);
    out_ << '\n' << std::flush;
}

void narrator::answered(int status, std::chrono::nanoseconds took, std::string_view what) {
    const auto ms = std::chrono::duration<double, std::milli>(took).count();
    out_ << fmt::format("  {} {}  {}\n", paint(status < 400 ? green : red, fmt::format("← {}", status)), paint(dim, fmt::format("{:.1f} ms", ms)), what) << std::flush;
}

void narrator::event(std::chrono::microseconds after, std::string_view type, std::string_view meaning) {
    const auto ms = std::chrono::duration<double, std::milli>(after).count();
    out_ << fmt::format("     {:>9}  {}  {}\n", fmt::format("+{:.1f} ms", ms), paint(yellow, fmt::format("{:<18}", type)), paint(dim, meaning)) << std::flush;
}

void narrator::note(std::string_view text) { out_ << "     " << text << '\n' << std::flush; }

void narrator::link(std::string_view label, std::string_view url) { out_ << fmt::format("     {}: {}\n", label, paint(cyan, url)) << std::flush; }

void narrator::change(std::string_view what, std::string_view before, std::string_view after) {
    out_ << fmt::format("     {}: {} → {}\n", what, before, before == after ? std::string(after) : paint(bold, after)) << std::flush;
}

void narrator::warn(std::string_view text) { out_ << "     " << paint(red, text) << '\n' << std::flush; }

}  // namespace bv::demo
