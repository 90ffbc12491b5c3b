#include "domains/commerce/payment/app/read_payments.hpp"

#include <algorithm>
#include <charconv>

namespace bv::payment {
namespace {

// Tokens: "<microseconds>-<uuid>" for payments, "<id>" for entries. Opaque to clients.
std::optional<std::int64_t> parse_number(std::string_view text) noexcept {
    std::int64_t n = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (ec != std::errc{} || end != text.data() + text.size() || n < 0) return std::nullopt;
    return n;
}

std::optional<page_position> parse_position(std::string_view token) noexcept {
    const auto dash = token.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto time = parse_number(token.substr(0, dash));
    const auto id = uuid::parse(token.substr(dash + 1));
    if (!time || !id) return std::nullopt;
    return page_position{time_point(microseconds(*time)), *id};
}

std::string to_token(const stored_payment& p) {
    return std::to_string(p.created.time_since_epoch().count()) + "-" + p.value.id.str();
}

std::unexpected<error> bad_token() {
    return invalid({{"page_token", "is not a token that this method gave; leave it empty for the first page"}});
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

task<result<page<stored_payment>>> read_payments::list(storage::identity who, payment_filter filter, int size, std::string token) {
    size = clamp_size(size, 50, 200);
    std::optional<page_position> after;
    if (!token.empty()) {
        after = parse_position(token);
        if (!after) co_return bad_token();
    }
    auto items = co_await db_.transact(read_as(std::move(who)),
                                       [&](storage::unit_of_work& uow) { return store_.list(uow, filter, after, size + 1); });
    co_return cut(std::move(items), size, to_token);
}

task<result<page<ledger_entry>>> read_payments::entries(storage::identity who, entry_filter filter, int size, std::string token) {
    size = clamp_size(size, 100, 1'000);
    std::int64_t after = 0;
    if (!token.empty()) {
        const auto n = parse_number(token);
        if (!n) co_return bad_token();
        after = *n;
    }
    auto items = co_await db_.transact(read_as(std::move(who)),
                                       [&](storage::unit_of_work& uow) { return store_.entries(uow, filter, after, size + 1); });
    co_return cut(std::move(items), size, [](const ledger_entry& e) { return std::to_string(e.id); });
}

task<std::vector<account_balance>> read_payments::balances(storage::identity who) {
    co_return co_await db_.transact(read_as(std::move(who)), [this](storage::unit_of_work& uow) { return store_.balances(uow); });
}

}  // namespace bv::payment
