#include "domains/commerce/payment/provider/wire.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "platform/core/money.hpp"

namespace bv::payment_provider {
namespace {

namespace json = boost::json;

bool is_plain(std::string_view text, std::size_t max) {
    return !text.empty() && text.size() <= max && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == ':' || c == '-';
    });
}

result<json::object> parse_object(std::string_view body) {
    boost::system::error_code ec;
    auto value = json::parse(body, ec);
    if (ec || !value.is_object()) return fail(code::invalid_argument, "MALFORMED_BODY", "the body is not a JSON object");
    return std::move(value.as_object());
}

// Collects what is wrong with a body.
class reader {
public:
    explicit reader(const json::object& o) : object_(o) {}

    std::string plain(std::string_view field) {
        const auto* v = object_.if_contains(field);
        if (!v || !v->is_string() || !is_plain(v->as_string(), 200)) {
            wrong_.push_back({std::string(field), "must be 1 to 200 letters, digits or . _ : -"});
            return {};
        }
        return std::string(v->as_string());
    }
    void amount(command& c) {
        const auto* v = object_.if_contains("amount");
        const auto* o = v ? v->if_object() : nullptr;
        const auto* minor = o ? o->if_contains("minor_units") : nullptr;
        const auto* currency = o ? o->if_contains("currency") : nullptr;
        if (!minor || !minor->is_int64() || minor->as_int64() < 0)
            wrong_.push_back({"amount.minor_units", "must be a whole number of minor units, 0 or more"});
        else
            c.amount = minor->as_int64();
        if (!currency || !currency->is_string() || !bv::currency::parse(currency->as_string()))
            wrong_.push_back({"amount.currency", "must be an ISO 4217 code such as GBP"});
        else
            c.currency = currency->as_string();
    }
    [[nodiscard]] std::vector<field_violation> take() { return std::move(wrong_); }

private:
    const json::object& object_;
    std::vector<field_violation> wrong_;
};

json::object to_object(const record& r) {
    return {{"key", r.asked.key},
            {"sequence", r.sequence},
            {"operation", name(r.asked.operation)},
            {"status", r.done ? "done" : "declined"},
            {"reason", r.reason},
            {"authorisation", r.authorisation},
            {"amount", {{"currency", r.asked.currency}, {"minor_units", r.asked.amount}}},
            {"time", rfc3339(r.time)}};
}

json::object to_object(const std::map<std::string, std::int64_t>& amounts) {
    json::object o;
    for (const auto& [currency, minor] : amounts) o[currency] = minor;
    return o;
}

}  // namespace

result<command> parse_command(operation op, std::string_view key, std::string_view body) {
    if (!is_plain(key, 200))
        return fail(code::invalid_argument, "IDEMPOTENCY_KEY_MISSING", "send an Idempotency-Key of 1 to 200 letters, digits or . _ : -");
    auto object = parse_object(body);
    if (!object) return std::unexpected(object.error());
    command c{.operation = op, .key = std::string(key)};
    reader in(*object);
    if (op == operation::authorise) {
        c.method = in.plain("payment_method");
        c.reference = in.plain("reference");
    } else {
        c.authorisation = in.plain("authorisation");
    }
    if (op != operation::void_) in.amount(c);
    if (auto wrong = in.take(); !wrong.empty()) return invalid(std::move(wrong));
    return c;
}

std::string to_json(const record& r) { return json::serialize(to_object(r)); }

std::string to_json(const std::vector<const record*>& records, std::int64_t last) {
    json::array list;
    list.reserve(records.size());
    for (const auto* r : records) list.emplace_back(to_object(*r));
    return json::serialize(json::object{{"operations", std::move(list)}, {"last", last}});
}

std::string to_json(const totals& t) {
    return json::serialize(json::object{{"captured", to_object(t.captured)}, {"refunded", to_object(t.refunded)}});
}

std::string to_json(const behaviour& b) {
    return json::serialize(json::object{{"decline_rate", b.decline_rate},
                                        {"duplicate_callback_rate", b.duplicate_callback_rate},
                                        {"lost_answer_rate", b.lost_answer_rate},
                                        {"error_rate", b.error_rate},
                                        {"delay_ms", b.delay.count()},
                                        {"jitter_ms", b.jitter.count()},
                                        {"slow_ms", b.slow.count()},
                                        {"seed", b.seed}});
}

std::string to_problem(const error& e, int status) {
    json::object o{{"type", "about:blank"}, {"title", e.reason}, {"status", status}, {"detail", e.message}};
    json::array violations;
    for (const auto& v : e.violations) violations.push_back(json::object{{"field", v.field}, {"description", v.description}});
    if (!violations.empty()) o["violations"] = std::move(violations);
    return json::serialize(o);
}

result<behaviour> parse_behaviour(behaviour b, std::string_view body) {
    auto object = parse_object(body);
    if (!object) return std::unexpected(object.error());
    std::vector<field_violation> wrong;
    const auto rate = [&](std::string_view field, const json::value& v, double& to) {
        boost::system::error_code ec;
        const auto n = v.to_number<double>(ec);
        if (ec || !(n >= 0 && n <= 1))
            wrong.push_back({std::string(field), "must be a share between 0 and 1"});
        else
            to = n;
    };
    const auto time = [&](std::string_view field, const json::value& v, milliseconds& to) {
        if (!v.is_int64() || v.as_int64() < 0 || v.as_int64() > 600'000)
            wrong.push_back({std::string(field), "must be milliseconds between 0 and 600000"});
        else
            to = milliseconds(v.as_int64());
    };
    for (const auto& [key, v] : *object) {
        const std::string_view field = key;
        if (field == "decline_rate") rate(field, v, b.decline_rate);
        else if (field == "duplicate_callback_rate") rate(field, v, b.duplicate_callback_rate);
        else if (field == "lost_answer_rate") rate(field, v, b.lost_answer_rate);
        else if (field == "error_rate") rate(field, v, b.error_rate);
        else if (field == "delay_ms") time(field, v, b.delay);
        else if (field == "jitter_ms") time(field, v, b.jitter);
        else if (field == "slow_ms") time(field, v, b.slow);
        else if (field == "seed" && v.is_int64() && v.as_int64() >= 0) b.seed = static_cast<std::uint64_t>(v.as_int64());
        else wrong.push_back({std::string(field), "is not known, or not a number; known are decline_rate, duplicate_callback_rate, "
                                                  "lost_answer_rate, error_rate, delay_ms, jitter_ms, slow_ms and seed"});
    }
    if (!wrong.empty()) return invalid(std::move(wrong));
    return b;
}

}  // namespace bv::payment_provider
