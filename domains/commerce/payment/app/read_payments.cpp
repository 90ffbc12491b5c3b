#include "domains/commerce/payment/app/read_payments.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "platform/rpc/page_token.hpp"

namespace bv::payment {
namespace {

std::optional<std::int64_t> parse_number(std::string_view text) noexcept {
    std::int64_t n = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (ec != std::errc{} || end != text.data() + text.size() || n < 0) return std::nullopt;
    return n;
}

// What the token belongs to: the list with its filter.
std::string list_name(const payment_query& f) {
    return "payments?order=" + (f.order ? f.order->str() : "") + "&status=" + std::string(f.status ? name(*f.status) : "");
}
std::string list_name(const entry_filter& f) { return "entries?payment=" + (f.payment ? f.payment->str() : "") + "&account=" + f.account; }

std::unexpected<error> bad_token() {
    return invalid({{"pageToken", "is not a token that this method gave; leave it empty for the first page"}});
}

storage::transaction_options read_as(storage::identity who) { return {.identity = std::move(who), .read_only = true}; }

// One more than asked for says whether there is a next page.
template <class T, class Token>
page<T> cut(std::vector<T> items, int size, Token token_of) {
    page<T> out;
    const bool more = static_cast<int>(items.size()) > size;
    if (more) items.resize(static_cast<std::size_t>(size));
    if (more) out.next_token = token_of(items.back());
    out.items = std::move(items);
    return out;
}

int clamp_size(int size, int standard, int most) { return size <= 0 ? standard : std::min(size, most); }

}  // namespace

task<result<stored_payment>> read_payments::get(storage::identity who, payment_id id) {
    auto found = co_await db_.transact(read_as(std::move(who)), [&](storage::unit_of_work& uow) { return store_.find(uow, id); });
    if (!found) co_return fail(code::not_found, "PAYMENT_NOT_FOUND", "there is no payment " + id.str() + " that you may see");
    co_return std::move(*found);
}

// An order has one payment, whose id follows from the order's.
task<result<page<stored_payment>>> read_payments::of_order(storage::identity who, payment_query query) {
    const auto id = payment_of(*query.order);
    auto found = co_await db_.transact(read_as(std::move(who)), [&](storage::unit_of_work& uow) { return store_.find(uow, id); });
    page<stored_payment> out;
    if (found && (!query.status || found->value.status == *query.status)) out.items.push_back(std::move(*found));
    co_return out;
}

task<result<page<stored_payment>>> read_payments::list(storage::identity who, payment_query query, int size, std::string token) {
    if (query.order) co_return co_await of_order(std::move(who), query);
    payment_filter filter{.status = query.status};
    // What row-level security would leave, said to the index too.
    if (who.customer && !who.all_customers) filter.customer = customer_id{*who.customer};
    size = clamp_size(size, 50, 200);
    const auto belongs = list_name(query);
    const auto parts = rpc::parse_page_token(belongs, token);
    if (!parts) co_return std::unexpected(parts.error());
    std::optional<page_position> after;
    if (!parts->empty()) {
        const auto time = parts->size() == 2 ? parse_number(parts->at(0)) : std::nullopt;
        const auto id = parts->size() == 2 ? uuid::parse(parts->at(1)) : std::nullopt;
        if (!time || !id) co_return bad_token();
        after = page_position{time_point(microseconds(*time)), *id};
    }
    auto items = co_await db_.transact(read_as(std::move(who)),
                                       [&](storage::unit_of_work& uow) { return store_.list(uow, filter, after, size + 1); });
    co_return cut(std::move(items), size, [&](const stored_payment& p) {
        const std::array position{std::to_string(p.created.time_since_epoch().count()), p.value.id.str()};
        return rpc::page_token(belongs, position);
    });
}

task<result<page<ledger_entry>>> read_payments::entries(storage::identity who, entry_filter filter, int size, std::string token) {
    size = clamp_size(size, 100, 1'000);
    const auto belongs = list_name(filter);
    const auto parts = rpc::parse_page_token(belongs, token);
    if (!parts) co_return std::unexpected(parts.error());
    std::int64_t after = 0;
    if (!parts->empty()) {
        const auto n = parse_number(parts->front());
        if (!n) co_return bad_token();
        after = *n;
    }
    auto items = co_await db_.transact(read_as(std::move(who)),
                                       [&](storage::unit_of_work& uow) { return store_.entries(uow, filter, after, size + 1); });
    co_return cut(std::move(items), size, [&](const ledger_entry& e) {
        const std::array position{std::to_string(e.id)};
        return rpc::page_token(belongs, position);
    });
}

task<std::vector<account_balance>> read_payments::balances(storage::identity who) {
    co_return co_await db_.transact(read_as(std::move(who)), [this](storage::unit_of_work& uow) { return store_.balances(uow); });
}

}  // namespace bv::payment
