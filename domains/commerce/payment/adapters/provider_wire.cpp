#include "domains/commerce/payment/adapters/provider_wire.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <boost/json.hpp>

namespace bv::payment {
namespace {

namespace json = boost::json;

std::unexpected<error> unreadable() { return fail(code::internal, "UNREADABLE_ANSWER", "the payment provider's answer cannot be read"); }

std::optional<json::object> parse(std::string_view body) {
    boost::system::error_code ec;
    auto v = json::parse(body, ec);
    if (ec || !v.is_object()) return std::nullopt;
    return std::move(v.as_object());
}

std::string text(const json::object& o, std::string_view field) {
    const auto* v = o.if_contains(field);
    return v && v->is_string() ? std::string(v->as_string()) : std::string{};
}

std::optional<std::int64_t> number(const json::object& o, std::string_view field) {
    const auto* v = o.if_contains(field);
    return v && v->is_int64() ? std::optional(v->as_int64()) : std::nullopt;
}

json::object to_json(const money& m) { return {{"currency", m.currency.code()}, {"minor_units", m.minor}}; }

std::optional<money> to_money(const json::object& o) {
    const auto* v = o.if_contains("amount");
    const auto* amount = v ? v->if_object() : nullptr;
    if (!amount) return std::nullopt;
    const auto code = text(*amount, "currency");
    const auto minor = number(*amount, "minor_units");
    if (code.empty()) return money{};  // of a void
    const auto c = currency::parse(code);
    return c && minor ? std::optional(money{*minor, *c}) : std::nullopt;
}

std::optional<provider_record> to_record(const json::object& o) {
    provider_record r{.key = text(o, "key")};
    const auto sequence = number(o, "sequence");
    const auto kind = parse_operation_kind(text(o, "operation"));
    const auto status = text(o, "status");
    const auto amount = to_money(o);
    if (r.key.empty() || !sequence || !kind || !amount || (status != "done" && status != "declined")) return std::nullopt;
    r.sequence = *sequence;
    r.kind = *kind;
    r.amount = *amount;
    r.outcome = {status == "done", text(o, "authorisation"), text(o, "reason")};
    return r;
}

std::string_view path_of(operation_kind k) {
    switch (k) {
        case operation_kind::authorise:
            return "/v1/authorisations";
        case operation_kind::capture:
            return "/v1/captures";
        case operation_kind::void_:
            return "/v1/voids";
        case operation_kind::refund:
            return "/v1/refunds";
    }
    return {};
}

milliseconds parse_retry_after(std::string_view seconds_text) {
    int n = 1;
    std::from_chars(seconds_text.data(), seconds_text.data() + seconds_text.size(), n);
    return seconds(std::clamp(n, 0, 60));
}

}  // namespace

provider_request to_request(const provider_call& c) {
    json::object body;
    if (c.kind == operation_kind::authorise) {
        body["payment_method"] = c.method;
        body["reference"] = c.order;
    } else {
        body["authorisation"] = c.authorisation;
    }
    if (c.kind != operation_kind::void_) body["amount"] = to_json(c.amount);
    return {std::string(path_of(c.kind)), json::serialize(body)};
}

provider_answer to_answer(const provider_call& c, int status, std::string_view body, std::string_view retry_after) {
    provider_answer a{.key = c.key};
    const auto object = parse(body);
    const auto reason = object ? text(*object, "title") : std::string{};
    a.outcome.reason = reason.empty() ? "status " + std::to_string(status) : reason;
    if (status == 200) {
        const auto record = object ? to_record(*object) : std::nullopt;
        if (!record || record->key != c.key || record->kind != c.kind) return a;  // in doubt
        a.kind = answer_kind::settled;
        a.outcome = record->outcome;
        a.sequence = record->sequence;
    } else if (status == 404 && c.ask && reason == "UNKNOWN_KEY") {
        a.kind = answer_kind::not_seen;
    } else if (!c.ask && (reason == "UNKNOWN_AUTHORISATION" || (status == 400 && reason == "INVALID_ARGUMENT"))) {
        a.kind = answer_kind::settled;  // it will never be done
        a.outcome.reason = "refused_by_provider";
    } else if (status == 429) {
        a.kind = c.ask ? answer_kind::in_doubt : answer_kind::not_sent;
        a.retry_after = parse_retry_after(retry_after);
    } else if (status >= 400 && status < 500 && status != 408 && status != 409) {
        a.kind = c.ask ? answer_kind::in_doubt : answer_kind::rejected;
        if (c.ask) a.retry_after = seconds(5);
    }
    return a;
}

result<std::vector<provider_record>> parse_records(std::string_view body) {
    const auto object = parse(body);
    const auto* list = object ? object->if_contains("operations") : nullptr;
    if (!list || !list->is_array()) return unreadable();
    std::vector<provider_record> out;
    out.reserve(list->as_array().size());
    for (const auto& v : list->as_array()) {
        auto r = v.is_object() ? to_record(v.as_object()) : std::nullopt;
        if (!r) return unreadable();
        out.push_back(std::move(*r));
    }
    return out;
}

result<std::vector<std::string>> parse_keys(std::string_view body) {
    auto records = parse_records(body);
    if (!records) return std::unexpected(records.error());
    std::vector<std::string> keys;
    keys.reserve(records->size());
    for (auto& r : *records) keys.push_back(std::move(r.key));
    return keys;
}

result<provider_totals> parse_totals(std::string_view body) {
    const auto object = parse(body);
    if (!object) return unreadable();
    provider_totals t;
    const auto read = [&](std::string_view field, std::map<std::string, std::int64_t>& to) {
        const auto* v = object->if_contains(field);
        if (!v || !v->is_object()) return false;
        for (const auto& [currency, amount] : v->as_object()) {
            if (!amount.is_int64()) return false;
            if (amount.as_int64() != 0) to[std::string(currency)] = amount.as_int64();
        }
        return true;
    };
    if (!read("captured", t.captured) || !read("refunded", t.refunded)) return unreadable();
    return t;
}

}  // namespace bv::payment
