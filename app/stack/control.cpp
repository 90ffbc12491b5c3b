#include "app/stack/control.hpp"

#include <fstream>
#include <sstream>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "platform/core/clock.hpp"
#include "platform/core/error.hpp"
#include "platform/core/uuid.hpp"

namespace bv::stack {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

void write(const fs::path& file, const json::object& o) {
    const auto fresh = file.string() + ".new";
    std::ofstream(fresh) << json::serialize(o) << '\n';
    fs::rename(fresh, file);
}

json::object read(const fs::path& file) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    boost::system::error_code ec;
    const auto v = json::parse(text.str(), ec);
    return ec || !v.is_object() ? json::object{} : v.get_object();
}

std::string text(const json::object& o, std::string_view key) {
    const auto* v = o.if_contains(key);
    return v && v->is_string() ? std::string(v->get_string()) : std::string{};
}

std::int64_t number(const json::object& o, std::string_view key) {
    const auto* v = o.if_contains(key);
    return v && v->is_int64() ? v->get_int64() : 0;
}

}  // namespace

void control_box::clear() const noexcept {
    std::error_code ec;
    fs::remove_all(folder_, ec);
}

void control_box::serve(const std::function<std::string(const control_request&)>& obey) const {
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(folder_, ec)) {
        if (entry.path().extension() != ".request") continue;
        const auto asked = read(entry.path());
        fs::remove(entry.path(), ec);
        json::object answer;
        try {
            answer["message"] = obey({text(asked, "command"), text(asked, "role"), static_cast<int>(number(asked, "count"))});
        } catch (...) {  // whoever asked is answered: a disk that is full, too
            const auto why = current_error();
            answer["error"] = why.message;
            answer["reason"] = why.reason;
            answer["code"] = static_cast<int>(why.code);
        }
        write(fs::path(entry.path()).replace_extension(".answer"), answer);
    }
}

std::string ask(const fs::path& folder, const control_request& r, std::chrono::milliseconds patience) {
    std::error_code ec;
    fs::create_directory(folder, ec);
    fs::permissions(folder, fs::perms::owner_all, ec);
    const auto name = folder / uuid::v7(system_clock(), system_rng()).str();
    const fs::path answer(name.string() + ".answer");
    write(name.string() + ".request", {{"command", r.command}, {"role", r.role}, {"count", r.count}});
    for (const auto end = std::chrono::steady_clock::now() + patience; std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(20ms)) {
        if (!fs::exists(answer, ec)) continue;
        const auto said = read(answer);
        fs::remove(answer, ec);
        if (!said.contains("error")) return text(said, "message");
        throw failure(static_cast<code>(number(said, "code")), text(said, "reason"), text(said, "error"));
    }
    fs::remove(name.string() + ".request", ec);
    throw failure(code::unavailable, "NO_ANSWER", fmt::format("the platform has not done it within {} s; look with: bv status", patience / 1s));
}

}  // namespace bv::stack
