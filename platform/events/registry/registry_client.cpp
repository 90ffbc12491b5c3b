#include "platform/events/registry/registry_client.hpp"

#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>

#include "platform/exporters/endpoint.hpp"

namespace bv::events::registry {
namespace {

namespace json = boost::json;

constexpr const char* media_type = "application/vnd.schemaregistry.v1+json";

std::string basic(const std::string& user, const std::string& password) {
    const auto plain = user + ':' + password;
    std::string out((plain.size() + 2) / 3 * 4, '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(plain.data()), static_cast<int>(plain.size()));
    return "Basic " + out;
}

std::string body_of(const std::string& text, const std::vector<reference>& references) {
    json::array all;
    for (const auto& r : references) all.push_back({{"name", r.name}, {"subject", r.subject}, {"version", r.version}});
    return json::serialize(json::object{{"schemaType", "PROTOBUF"}, {"schema", text}, {"references", std::move(all)}});
}

std::string path_of(const std::string& subject) { return fmt::format("/subjects/{}", http::percent_encode(subject)); }

}  // namespace

struct registry_client::answer {
    int status = 0;
    json::value body{};

    [[nodiscard]] bool is_good() const noexcept { return status < 300; }
    [[nodiscard]] bool is_nothing() const noexcept { return status == 404; }
    // 0: there is none, or one that no registry gives.
    [[nodiscard]] std::int32_t number(std::string_view key) const {
        const auto* v = body.is_object() ? body.get_object().if_contains(key) : nullptr;
        return v ? number_of(*v) : 0;
    }
    [[nodiscard]] static std::int32_t number_of(const json::value& v) {
        return v.is_int64() && v.get_int64() > 0 && v.get_int64() <= INT32_MAX ? static_cast<std::int32_t>(v.get_int64()) : 0;
    }
    [[nodiscard]] std::string text(std::string_view key) const {
        const auto* v = body.is_object() ? body.get_object().if_contains(key) : nullptr;
        return v && v->is_string() ? std::string(v->get_string()) : std::string{};
    }
    [[nodiscard]] std::unexpected<error> refused(std::string_view what) const {
        const auto said = fmt::format("the schema registry refused {} ({}): {}", what, status, text("message"));
        if (status == 401 || status == 403) return fail(code::permission_denied, "REGISTRY_LOGIN", said + ". Set registry.user and registry.password");
        if (status == 409) return fail(code::failed_precondition, "INCOMPATIBLE_SCHEMA", said);
        return fail(code::invalid_argument, "REGISTRY_REFUSED", said);
    }
};

registry_client::registry_client(const registry_options& o) : url_(o.url), timeout_(o.timeout) {
    auto at = exporters::parse_endpoint("registry.url", o.url, "", "http://registry:8081");
    if (!at) throw failure(at.error());
    base_ = at->target;
    at->peer.ca_file = o.ca_file;
    at->peer.connect_timeout = timeout_;
    at->peer.max_connections_per_core = 4;
    client_.emplace(std::move(at->peer));
    if (!o.user.empty()) authorization_ = basic(o.user, o.password);
}

failure registry_client::away(std::string_view why) const {
    return {code::unavailable, "REGISTRY_AWAY", fmt::format("the schema registry at {} does not answer ({})", url_, why)};
}

task<registry_client::answer> registry_client::send(http::verb verb, std::string target, std::string body) {
    http::client_request r{.verb = verb, .target = base_ + target, .body = std::move(body), .content_type = media_type};
    r.deadline = system_clock().steady_now() + timeout_;
    r.headers.add("Accept", fmt::format("{}, application/json", media_type));
    if (!authorization_.empty()) r.headers.add("Authorization", authorization_);
    http::client_response got;
    std::string broken;
    try {
        got = co_await client_->send(std::move(r));
    } catch (const failure& f) {
        broken = f.error().message;
    }
    if (!broken.empty()) throw away(broken);
    if (got.status >= 500 || got.status == 429) throw away(fmt::format("{} {}", got.status, got.body.substr(0, 200)));
    boost::system::error_code ec;
    answer out{got.status, json::parse(got.body, ec)};
    if (ec && out.is_good() && !got.body.empty()) throw away("its answer is no JSON: is registry.url the right one?");
    co_return out;
}

// What is noted of it holds for good: an answer that is none must not be.
registered registry_client::registered_in(const answer& said) const {
    registered out{said.number("id"), said.number("version"), said.text("schema")};
    if (out.id == 0 || out.version == 0 || out.text.empty()) throw away("its answer has no id, version and schema: is registry.url the right one?");
    return out;
}

task<result<std::vector<std::int32_t>>> registry_client::versions(std::string subject) {
    const auto said = co_await send(http::verb::get, path_of(subject) + "/versions");
    std::vector<std::int32_t> out;
    if (said.is_nothing()) co_return out;
    if (!said.is_good() || !said.body.is_array()) co_return said.refused("to list the versions of " + subject);
    for (const auto& v : said.body.get_array()) {
        out.push_back(answer::number_of(v));
        if (out.back() == 0) throw away("its versions are no numbers: is registry.url the right one?");
    }
    co_return out;
}

task<result<registered>> registry_client::at(std::string subject, std::int32_t version) {
    const auto said = co_await send(http::verb::get, fmt::format("{}/versions/{}", path_of(subject), version));
    if (!said.is_good()) co_return said.refused(fmt::format("to give version {} of {}", version, subject));
    co_return registered_in(said);
}

task<result<std::int32_t>> registry_client::add(std::string subject, std::string text, std::vector<reference> references) {
    const auto said = co_await send(http::verb::post, path_of(subject) + "/versions", body_of(text, references));
    if (!said.is_good()) co_return said.refused("a version of " + subject);
    const auto id = said.number("id");
    if (id == 0) throw away("its answer names no id: is registry.url the right one?");
    co_return id;
}

task<result<std::optional<registered>>> registry_client::find(std::string subject, std::string text, std::vector<reference> references) {
    const auto said = co_await send(http::verb::post, path_of(subject), body_of(text, references));
    if (said.is_nothing()) co_return std::optional<registered>{};
    if (!said.is_good()) co_return said.refused("to look for a schema of " + subject);
    co_return registered_in(said);
}

task<result<std::optional<std::string>>> registry_client::text_of(std::int32_t id) {
    const auto said = co_await send(http::verb::get, fmt::format("/schemas/ids/{}", id));
    if (said.is_nothing()) co_return std::optional<std::string>{};
    if (!said.is_good()) co_return said.refused(fmt::format("to give schema {}", id));
    if (said.text("schema").empty()) throw away("its answer has no schema: is registry.url the right one?");
    co_return said.text("schema");
}

task<result<void>> registry_client::set_compatibility(std::string subject, std::string level) {
    const auto said = co_await send(http::verb::put, "/config/" + http::percent_encode(subject), json::serialize(json::object{{"compatibility", level}}));
    if (!said.is_good()) co_return said.refused(fmt::format("the compatibility {} of {}", level, subject));
    co_return result<void>{};
}

task<result<void>> registry_client::probe() {
    const auto said = co_await send(http::verb::get, "/config");
    if (!said.is_good()) co_return said.refused("to be asked");
    co_return result<void>{};
}

}  // namespace bv::events::registry
