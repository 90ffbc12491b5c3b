#include "app/stack/identity_files.hpp"

#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "platform/core/error.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::stack {

namespace {

namespace fs = std::filesystem;

failure unusable(std::string message) { return {code::failed_precondition, "IDENTITY_FILE", std::move(message)}; }

std::string text_of(const fs::path& file) {
    std::ifstream in(file);
    std::stringstream out;
    if (!in || !(out << in.rdbuf())) throw unusable(fmt::format("{} cannot be read, or is empty", file.string()));
    return std::move(out).str();
}

void require_private(const fs::path& key) {
    struct stat s {};
    if (::stat(key.c_str(), &s) == 0 && (s.st_mode & S_IROTH) != 0)
        throw unusable(fmt::format("everybody on this machine may read the private key {}: chmod o= {}", key.string(), key.string()));
}

}  // namespace

identity_paths identity_paths_in(const fs::path& folder) { return {folder / "certificate.pem", folder / "key.pem", folder / "ca.pem"}; }

identity_files::identity_files(identity_paths p, security::spiffe_id wanted, bv::runtime& r, clock& c, milliseconds between_looks)
    : paths_(std::move(p)), wanted_(std::move(wanted)), runtime_(r), clock_(c), between_looks_(between_looks), used_(look()), first_(read()) {}

identity_files::stamps identity_files::look() const {
    stamps out;
    auto to = out.begin();
    for (const auto* file : {&paths_.certificate, &paths_.key, &paths_.authorities}) {
        struct stat s {};
        if (::stat(file->c_str(), &s) == 0)
            *to = {s.st_dev, s.st_ino, static_cast<std::uint64_t>(s.st_size), s.st_mtim.tv_sec * 1'000'000'000 + s.st_mtim.tv_nsec};
        ++to;
    }
    return out;
}

security::svid identity_files::read() const {
    require_private(paths_.key);
    auto good = security::checked({text_of(paths_.certificate), text_of(paths_.key), text_of(paths_.authorities)}, wanted_, clock_.now());
    if (!good) throw failure(good.error().code, good.error().reason, fmt::format("{}: {}", paths_.certificate.string(), good.error().message));
    return std::move(*good);
}

void identity_files::follow(std::function<void(const security::svid&)> take) {
    follows_ = true;
    tasks_.spawn(runtime_.context(0).get_executor(), watch(std::move(take)));
}

// Files that are written one after the other do not fit each other for a moment: they are tried at every look until they do.
task<void> identity_files::watch(std::function<void(const security::svid&)> take) {
    auto refused = used_;
    while (!tasks_.stopping()) {
        co_await clock_.sleep_for(between_looks_);
        const auto now = look();
        if (now == used_) continue;
        std::optional<error> why;
        try {
            take(read());
            used_ = now;
        } catch (const failure& f) {
            why = f.error();
        }
        if (why && std::exchange(refused, now) != now) telemetry::error("identity.not_replaced", {{"reason", why->reason}, {"error", why->message}});
    }
}

void identity_files::stop() {
    if (!std::exchange(follows_, false)) return;
    tasks_.stop();
    runtime_.block_on(tasks_.join());
}

}  // namespace bv::stack
