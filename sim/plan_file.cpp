#include "sim/plan_file.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <fstream>
#include <iterator>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace bv::sim {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 4> role_names{"orders", "inventory", "payment", "notification"};

json::array lines_of(const std::vector<basket_line>& lines) {
    json::array out;
    for (const auto& l : lines) out.push_back(json::array{l.sku, l.quantity});
    return out;
}

json::object object_of(const node_plan& n) {
    json::array roles;
    for (const auto r : n.roles) roles.emplace_back(role_names[static_cast<std::size_t>(r)]);
    return {{"name", n.name}, {"roles", std::move(roles)}};
}

json::object object_of(const shopper& s) {
    json::object out{{"number", s.number}, {"arrives_ms", s.arrives.count()}, {"basket", lines_of(s.basket)}, {"method", s.method}};
    if (s.clicks_twice) out["clicks_twice"] = true;
    if (s.reuses_key) out["reuses_key"] = true;
    if (s.looks) out["looks"] = true;
    if (s.cancels) out["cancels_ms"] = s.cancels->count();
    json::array returns;
    for (const auto& r : s.returns) returns.push_back({{"after_ms", r.after.count()}, {"lines", lines_of(r.lines)}});
    if (!returns.empty()) out["returns"] = std::move(returns);
    return out;
}

// One element a line, so that a change of a kept plan can be read.
void add(std::string& out, std::string_view name, const json::array& all) {
    out += fmt::format(",\n  \"{}\": [", name);
    for (std::size_t i = 0; i < all.size(); ++i) out += fmt::format("{}\n    {}", i == 0 ? "" : ",", json::serialize(all[i]));
    out += all.empty() ? "]" : "\n  ]";
}

// Reads the parts one after the other, and knows which one it is at.
class reader {
public:
    result<plan> read(std::string_view text) {
        try {
            json::parse_options exact;
            exact.numbers = json::number_precision::precise;  // a rate comes back as it was, so the run is the same
            return read_plan(json::parse(json::string_view(text.data(), text.size()), {}, exact).as_object());
        } catch (const std::exception& e) {
            return fail(code::invalid_argument, "INVALID_PLAN", fmt::format("{}: {}", where_, e.what()));
        }
    }

private:
    plan read_plan(const json::object& o) {
        plan p;
        p.seed = number<std::uint64_t>(o, "seed");
        p.storm = milliseconds(number<std::int64_t>(o, "storm_ms"));
        p.hold = seconds(number<std::int64_t>(o, "hold_s"));
        each(o, "nodes", [&](const json::object& n) { p.nodes.push_back(read_node(n)); });
        each(o, "shoppers", [&](const json::object& s) { p.shoppers.push_back(read_shopper(s)); });
        each(o, "supplies", [&](const json::object& s) { p.supplies.push_back({number<int>(s, "number"), time(s, "at_ms"), sku(number<int>(s, "sku")), number<int>(s, "quantity")}); });
        each(o, "prices", [&](const json::object& c) { p.prices.push_back({time(c, "at_ms"), sku(number<int>(c, "sku")), number<std::int64_t>(c, "price")}); });
        where_ = "faults";
        for (const auto& [name, rate] : o.at("faults").as_object()) {
            const auto f = parse_fault(std::string_view(name.data(), name.size()));
            if (!f) throw std::invalid_argument(fmt::format("there is no fault \"{}\"", std::string_view(name.data(), name.size())));
            p.rates[static_cast<std::size_t>(*f)] = json::value_to<double>(rate);
        }
        for (const auto r : {role::orders, role::inventory, role::payment, role::notification}) {
            where_ = "nodes";
            if (std::ranges::none_of(p.nodes, [r](const node_plan& n) { return n.roles.contains(r); }))
                throw std::invalid_argument(fmt::format("none has the role \"{}\"", role_names[static_cast<std::size_t>(r)]));
        }
        return p;
    }
    static node_plan read_node(const json::object& o) {
        node_plan n{json::value_to<std::string>(o.at("name")), {}};
        for (const auto& r : o.at("roles").as_array()) {
            const auto name = json::value_to<std::string>(r);
            const auto* const at = std::ranges::find(role_names, name);
            if (at == role_names.end()) throw std::invalid_argument(fmt::format("there is no role \"{}\"", name));
            n.roles.insert(static_cast<role>(at - role_names.begin()));
        }
        return n;
    }
    static shopper read_shopper(const json::object& o) {
        shopper s{.number = number<int>(o, "number"), .arrives = time(o, "arrives_ms"), .basket = lines(o, "basket")};
        if (s.basket.empty()) throw std::invalid_argument("its basket is empty");
        s.method = json::value_to<std::string>(o.at("method"));
        s.clicks_twice = o.contains("clicks_twice") && o.at("clicks_twice").as_bool();
        s.reuses_key = o.contains("reuses_key") && o.at("reuses_key").as_bool();
        s.looks = o.contains("looks") && o.at("looks").as_bool();
        if (o.contains("cancels_ms")) s.cancels = time(o, "cancels_ms");
        if (o.contains("returns"))
            for (const auto& r : o.at("returns").as_array()) s.returns.push_back({time(r.as_object(), "after_ms"), lines(r.as_object(), "lines")});
        return s;
    }
    static std::vector<basket_line> lines(const json::object& o, std::string_view name) {
        std::vector<basket_line> out;
        for (const auto& l : o.at(json::string_view(name.data(), name.size())).as_array())
            out.push_back({sku(json::value_to<int>(l.as_array().at(0))), json::value_to<int>(l.as_array().at(1))});
        return out;
    }
    template <class T>
    static T number(const json::object& o, std::string_view name) {
        return json::value_to<T>(o.at(json::string_view(name.data(), name.size())));
    }
    static milliseconds time(const json::object& o, std::string_view name) { return milliseconds(number<std::int64_t>(o, name)); }
    static int sku(int n) {
        if (n < 0 || n >= skus) throw std::invalid_argument(fmt::format("SKUs are 0 to {}, not {}", skus - 1, n));
        return n;
    }
    template <class F>
    void each(const json::object& o, std::string_view name, F f) {
        where_ = name;
        std::size_t i = 0;
        for (const auto& v : o.at(json::string_view(name.data(), name.size())).as_array()) {
            where_ = fmt::format("{}[{}]", name, i++);
            f(v.as_object());
        }
    }

    std::string where_ = "the plan";
};

}  // namespace

std::string to_json(const plan& p, std::string_view what) {
    std::string out = fmt::format("{{\n  \"what\": {},\n  \"seed\": {}, \"storm_ms\": {}, \"hold_s\": {}", json::serialize(json::value(what)), p.seed,
                                  p.storm.count(), p.hold.count());
    json::array nodes, shoppers, supplies, prices;
    for (const auto& n : p.nodes) nodes.push_back(object_of(n));
    for (const auto& s : p.shoppers) shoppers.push_back(object_of(s));
    for (const auto& s : p.supplies) supplies.push_back({{"number", s.number}, {"at_ms", s.at.count()}, {"sku", s.sku}, {"quantity", s.quantity}});
    for (const auto& c : p.prices) prices.push_back({{"at_ms", c.at.count()}, {"sku", c.sku}, {"price", c.price}});
    add(out, "nodes", nodes);
    add(out, "shoppers", shoppers);
    add(out, "supplies", supplies);
    add(out, "prices", prices);
    json::object faults;
    for (std::size_t i = 0; i < fault_kinds; ++i)
        if (p.rates[i] > 0) faults[fault_names[i].id] = p.rates[i];
    return out + fmt::format(",\n  \"faults\": {}\n}}\n", json::serialize(faults));
}

result<plan> parse_plan(std::string_view text) { return reader().read(text); }

result<plan> read_plan(const std::string& path) {
    std::ifstream in(path);
    if (!in) return fail(code::not_found, "NO_PLAN", fmt::format("{} cannot be read", path));
    auto p = parse_plan(std::string(std::istreambuf_iterator<char>(in), {}));
    if (!p) p.error().message = fmt::format("{} is no plan: {}", path, p.error().message);
    return p;
}

}  // namespace bv::sim
