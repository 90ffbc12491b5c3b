// The fake platform of the replay's tests: fake_platform.hpp.
#include "app/replay/fake_platform.hpp"

#include <fmt/format.h>

#include "app/replay/json_fields.hpp"
#include "platform/core/uuid.hpp"

namespace bv::replay {

namespace json = boost::json;

namespace {

http::response ok(const json::value& v) {
    http::response r;
    r.body = json::serialize(v);
    return r;
}

http::response problem(int status, std::string reason) {
    http::response r;
    r.status = status;
    r.content_type = "application/problem+json";
    r.body = json::serialize(json::value{{"status", status}, {"reason", reason}, {"detail", "no: " + reason}});
    return r;
}

json::value as_json(const fake_order& o, bool with_lines, const std::map<std::string, std::int64_t>& prices) {
    const auto money = [](std::int64_t minor) { return json::value{{"currency", "GBP"}, {"minorUnits", std::to_string(minor)}}; };
    json::object out{{"id", o.id}, {"customerId", o.customer}, {"externalReference", o.reference}, {"status", "ORDER_STATUS_" + o.status},
                     {"total", money(o.total)}, {"createTime", o.created}, {"updateTime", o.updated}};
    if (!o.reason.empty()) out["cancelReason"] = "CANCEL_REASON_" + o.reason;
    json::array lines;
    for (const auto& [sku, n] : o.lines) lines.push_back(json::value{{"sku", sku}, {"quantity", std::to_string(n)}, {"unitPrice", money(prices.at(sku))}});
    if (with_lines) out["lines"] = lines;
    return out;
}

std::string now() { return rfc3339(system_clock().now()); }

task<http::response> give(http::response r) { co_return r; }

task<void> break_off(http::body_writer& w) {
    co_await w.write("");
    throw std::runtime_error("the connection breaks");
}

}  // namespace

void fake_platform::start() {
    server_ = std::make_unique<http::testing::running_server>([this](http::request& r) { return give(handle(r)); });
    port_ = server_->port();
}

void fake_platform::wait_for_orders(std::size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return orders.size() >= n; });
}

http::response fake_platform::handle(const http::request& r) {
    const std::lock_guard lock(mutex_);
    ++requests[fmt::format("{} {}", r.verb_text, r.path())];
    if (instead)
        if (auto answer = instead(r)) return *answer;
    const auto body = r.body.empty() ? json::value{} : json::parse(r.body);
    const std::string key(r.headers.get("Idempotency-Key"));
    http::response out;
    if (const auto known = answers_.find(key); !key.empty() && known != answers_.end()) {
        out = known->second.first == r.body ? known->second.second : problem(422, "IDEMPOTENCY_KEY_REUSED");
        out.headers.add("Idempotency-Replayed", "true");
    } else {
        out = route(r, body);
        if (!key.empty() && out.status < 500) answers_[key] = {r.body, out};
    }
    changed_.notify_all();
    if (loses_answer && loses_answer(r)) out.stream = break_off;
    return out;
}

http::response fake_platform::route(const http::request& r, const json::value& body) {
    const std::string path(r.path());
    constexpr std::string_view one = "/v1/orders/";
    if (path == "/v1/products:batchUpsert") return upsert(body);
    if (path == "/v1/stock:batchReceive") return receive(body);
    if (path == "/v1/accounts:batchImport") return import(body);
    if (path == "/v1/orders") return r.verb == http::verb::post ? place(body) : list(r);
    if (path.starts_with(one) && path.ends_with(":return")) return give_back(path.substr(one.size(), 36), body);
    if (path.starts_with(one)) return read(path.substr(one.size()));
    if (path == "/v1/dailySales") return daily();
    if (path == "/v1/platform/status") return ok({{"residentBytes", "1048576"}, {"groups", json::array{{{"group", "g"}}}}});
    return problem(404, "NO_SUCH_PATH");
}

http::response fake_platform::upsert(const json::value& body) {
    int created = 0;
    for (const auto& p : items_at(body, "products")) {
        const auto sku = text_at(p, "sku");
        created += names.emplace(sku, text_at(p, "name")).second;
        prices[sku] = number_at(items_at(p, "prices")[0], "minorUnits");
    }
    return ok({{"created", created}});
}

http::response fake_platform::receive(const json::value& body) {
    int received = 0;
    for (const auto& i : items_at(body, "items")) {
        if (!received_.insert(text_at(body, "reference") + text_at(i, "sku")).second) continue;
        stock[text_at(i, "sku")] += number_at(i, "quantity");
        ++received;
    }
    return ok({{"receivedItems", received}});
}

http::response fake_platform::import(const json::value& body) {
    json::array ids;
    int created = 0;
    for (const auto& a : items_at(body, "accounts")) {
        const auto reference = text_at(a, "externalReference");
        created += accounts.emplace(reference, uuid::named(reference).str()).second;
        ids.push_back(json::value(accounts[reference]));
    }
    return ok({{"ids", ids}, {"created", created}});
}

http::response fake_platform::place(const json::value& body) {
    fake_order o{uuid::v7(system_clock(), system_rng()).str(), text_at(body, "customerId"), text_at(body, "externalReference"), "CONFIRMED", "", {}, {}, 0, 0, now(), now()};
    for (const auto& [id, other] : orders)
        if (other.customer == o.customer && other.reference == o.reference) return problem(409, "EXTERNAL_REFERENCE_TAKEN");
    bool short_of = false;
    for (const auto& l : items_at(body, "lines")) {
        const auto sku = text_at(l, "sku");
        if (!names.contains(sku)) return problem(400, "INVALID_ARGUMENT");
        o.lines[sku] += number_at(l, "quantity");
        o.total += number_at(l, "quantity") * prices[sku];
        short_of |= o.lines[sku] > stock[sku];
    }
    if (short_of) o.status = "CANCELLED", o.reason = "OUT_OF_STOCK";
    else if (text_at(body, "paymentMethod") == "card_declined") o.status = "CANCELLED", o.reason = "PAYMENT_DECLINED";
    else
        for (const auto& [sku, n] : o.lines) stock[sku] -= n;
    auto answer = as_json(o, true, prices);
    answer.as_object()["status"] = "ORDER_STATUS_PLACED";
    orders[o.id] = o;
    return ok(answer);
}

http::response fake_platform::give_back(const std::string& id, const json::value& body) {
    auto& o = orders.at(id);
    const auto reference = text_at(body, "externalReference");
    if (o.status != "CONFIRMED") return problem(400, "ORDER_NOT_CONFIRMED");
    if (!returned_.insert(id + reference).second) {
        ++doubled;
        return problem(400, "RETURNED_TWICE");
    }
    return_keys.push_back(reference + " of " + o.reference);
    bool all = true;
    for (const auto& l : items_at(body, "lines")) {
        const auto sku = text_at(l, "sku");
        const auto n = number_at(l, "quantity");
        if (o.returned[sku] + n > o.lines[sku]) return problem(400, "RETURN_EXCEEDS_ORDER");
        o.returned[sku] += n;
        o.refunded += n * prices[sku];
        stock[sku] += n;
    }
    for (const auto& [sku, n] : o.lines) all &= o.returned[sku] == n;
    if (all) o.status = "RETURNED";
    o.updated = now();
    return ok(as_json(o, true, prices));
}

http::response fake_platform::read(const std::string& id) {
    const auto at = orders.find(id);
    if (at == orders.end()) return problem(404, "ORDER_NOT_FOUND");
    auto out = as_json(at->second, true, prices);
    if (looks_[id]++ < looks_until_final) out.as_object()["status"] = "ORDER_STATUS_RESERVED";
    return ok(out);
}

// One order a page, so that paging is used.
http::response fake_platform::list(const http::request& r) {
    const auto parameter = [&](std::string_view name) -> std::string {
        const auto query = "&" + std::string(r.query()) + "&";
        const auto at = query.find(fmt::format("&{}=", name));
        if (at == std::string::npos) return {};
        const auto from = at + name.size() + 2;
        return http::percent_decode(query.substr(from, query.find('&', from) - from)).value_or("");
    };
    const auto status = parameter("status"), customer = parameter("customer_id"), reference = parameter("external_reference"), token = parameter("page_token");
    json::array found;
    json::object out;
    for (auto it = orders.upper_bound(token); it != orders.end(); ++it) {
        const auto& o = it->second;
        if ((!status.empty() && status != "ORDER_STATUS_" + o.status) || (!customer.empty() && customer != o.customer) || (!reference.empty() && reference != o.reference)) continue;
        if (!found.empty()) {
            out["nextPageToken"] = text_at(found[0], "id");
            break;
        }
        found.push_back(as_json(o, false, prices));
    }
    out["orders"] = found;
    return ok(out);
}

http::response fake_platform::daily() {
    std::int64_t revenue = 0, refunded = 0, count = 0;
    for (const auto& [id, o] : orders)
        if (o.status != "CANCELLED") revenue += o.total, refunded += o.refunded, ++count;
    return ok({{"days", json::array{{{"revenue", {{"currency", "GBP"}, {"minorUnits", std::to_string(revenue)}}},
                                     {"refunded", {{"currency", "GBP"}, {"minorUnits", std::to_string(refunded)}}},
                                     {"orders", std::to_string(count)}}}}});
}

}  // namespace bv::replay
