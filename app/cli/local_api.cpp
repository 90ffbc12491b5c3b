#include "app/cli/local_api.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/stack/local_client.hpp"
#include "app/stack/secret_store.hpp"
#include "platform/core/error.hpp"

namespace bv::cli {

namespace json = boost::json;

local_api::local_api(const common& c, const std::string& key_name) : platform_(find_running(c)), runtime_(1), client_(stack::local_client(platform_)) {
    const auto key = stack::find_secrets(c.load(), c.directory()).secrets->get(key_name);
    if (!key) throw failure(code::failed_precondition, "NO_KEY", "the data directory holds no operator key; it is made at the first start with demo.seed=true");
    key_ = *key;
    runtime_.start();
}

local_api::~local_api() {
    runtime_.stop();
    runtime_.join();
}

json::value local_api::send(http::client_request request) {
    request.headers.add("X-Api-Key", key_);
    const auto answer = runtime_.block_on(client_.send(std::move(request)));
    boost::system::error_code ec;
    auto body = json::parse(answer.body, ec);
    if (answer.status < 400 && !ec) return body;
    const auto detail = ec ? std::string{} : text_of(body, "detail");
    throw failure(answer.status == 404 ? code::not_found : code::unavailable, ec ? "BAD_ANSWER" : text_of(body, "reason"),
                  detail.empty() ? fmt::format("the platform answered {}", answer.status) : detail);
}

json::value local_api::get(const std::string& target) {
    http::client_request r;
    r.target = target;
    return send(std::move(r));
}

json::value local_api::post(const std::string& target, const json::value& body) {
    http::client_request r;
    r.verb = http::verb::post;
    r.target = target;
    r.body = json::serialize(body);
    return send(std::move(r));
}

std::string text_of(const json::value& v, std::string_view key) {
    if (!v.is_object()) return {};
    const auto* field = v.get_object().if_contains(key);
    if (!field) return {};
    return field->is_string() ? std::string(field->get_string()) : json::serialize(*field);
}

const json::array& items_of(const json::value& v, std::string_view key) {
    static const json::array none;
    const auto* field = v.is_object() ? v.get_object().if_contains(key) : nullptr;
    return field && field->is_array() ? field->get_array() : none;
}

}  // namespace bv::cli
