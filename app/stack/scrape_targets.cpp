#include "app/stack/scrape_targets.hpp"

#include <fstream>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace bv::stack {

namespace json = boost::json;

scrape_targets::scrape_targets(const std::filesystem::path& data, const running_platform& p)
    : file_(data / scrape_targets_file), platform_(p.url.substr(p.url.rfind('/') + 1)), scheme_(p.certificate.empty() ? "http" : "https") {}

void scrape_targets::write() {
    const target whole{"platform", "all", platform_, scheme_};
    write(std::span(&whole, 1));
}

void scrape_targets::write(std::span<const app::role_process> processes) {
    std::map<std::string, int, std::less<>> instances;
    std::vector<target> all;
    for (const auto& p : processes) {
        const int n = ++instances[p.role];
        auto name = n == 1 ? p.role : fmt::format("{}.{}", p.role, n);
        auto& port = last_ports_[name];
        if (p.port != 0) port = p.port;
        if (port != 0) all.push_back({std::move(name), p.role, fmt::format("127.0.0.1:{}", port), "http"});
    }
    write(all);
}

void scrape_targets::write(std::span<const target> all) {
    json::array out;
    for (const auto& t : all)
        out.push_back(json::object{{"targets", json::array{t.address}},
                                   {"labels", json::object{{"instance", t.instance}, {"role", t.role}, {"platform", platform_}, {"__scheme__", t.scheme}}}});
    auto text = json::serialize(out) + '\n';
    if (text == written_) return;
    const auto fresh = file_.string() + ".new";
    std::ofstream(fresh) << text;
    std::filesystem::permissions(fresh, std::filesystem::perms(0644));
    std::filesystem::rename(fresh, file_);  // whoever reads it sees it whole
    written_ = std::move(text);
}

void scrape_targets::clear() noexcept {
    std::error_code ec;
    if (std::filesystem::exists(file_, ec)) std::ofstream(file_) << "[]\n";
    written_.clear();
}

}  // namespace bv::stack
