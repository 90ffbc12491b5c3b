#include "platform/security/vault/secret_id.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "platform/security/digest.hpp"
#include "platform/security/private_file.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::vault {

namespace json = boost::json;

namespace {

// Of a private file, without the end of its line; empty when there is none.
result<std::string> read_word(const std::filesystem::path& file) {
    try {
        auto text = security::read_private_file(file).value_or("");
        while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
        return text;
    } catch (const failure& f) {
        return std::unexpected(f.error());
    }
}

}  // namespace

task<result<std::string>> secret_id_source::get() {
    if (!options_.wrapping_token_file.empty()) co_return co_await unwrap();
    if (options_.secret_id_file.empty())
        co_return fail(code::failed_precondition, "VAULT_SECRET_ID", "The platform's secret id was wrapped for itself alone. Give a command one of its own: --set vault.secret_id_file, with the other settings of Vault");
    auto text = read_word(options_.secret_id_file);
    if (text && text->empty())
        co_return fail(code::failed_precondition, "VAULT_SECRET_ID",
                       fmt::format("vault.secret_id_file: there is no {}. Put the AppRole's secret id into it, with mode 0600", options_.secret_id_file.string()));
    co_return text;
}

task<result<std::string>> secret_id_source::unwrap() {
    auto token = read_word(options_.wrapping_token_file);
    if (!token) co_return std::unexpected(std::move(token.error()));
    if (token->empty() || *token == opened_) {
        if (!kept_.empty()) co_return kept_;
        co_return fail(code::failed_precondition, "VAULT_SECRET_ID",
                       fmt::format("vault.wrapping_token_file: there is no token in {}. Each start needs a fresh one, with mode 0600: vault write -wrap-ttl=5m -f auth/{}/role/NAME/secret-id",
                                   options_.wrapping_token_file.string(), options_.approle));
    }
    if (auto good = co_await check(*token); !good) co_return std::unexpected(std::move(good.error()));
    auto got = co_await exchange_({http::verb::post, "sys/wrapping/unwrap", {}}, *token);
    if (!got && got.error().code == code::unavailable) co_return std::unexpected(std::move(got.error()));
    auto inside = got ? text_at(got->body, "data/secret_id") : std::string{};
    if (inside.empty()) co_return std::unexpected(not_whole(got ? "there is no secret id in it" : got.error().message));
    security::wipe(kept_), security::wipe(opened_);
    kept_ = std::move(inside);
    opened_ = std::move(*token);
    std::error_code ec;
    std::filesystem::remove(options_.wrapping_token_file, ec);  // where that may not be, it opens nothing any more
    telemetry::info("vault.secret_id_unwrapped", {});
    co_return kept_;
}

// A token that wraps something else was put there by somebody who wants it taken for a secret id.
task<result<void>> secret_id_source::check(std::string token) {
    const auto looked = co_await exchange_({http::verb::post, "sys/wrapping/lookup", json::object{{"token", token}}}, {});
    if (!looked && looked.error().code == code::unavailable) co_return std::unexpected(looked.error());
    if (!looked) co_return std::unexpected(not_whole(looked.error().message));
    const auto made_by = text_at(looked->body, "data/creation_path");
    if (made_by.starts_with(fmt::format("auth/{}/role/", options_.approle)) && made_by.ends_with("/secret-id")) co_return result<void>{};
    co_return std::unexpected(not_whole(fmt::format("it was made by \"{}\", which gives no secret id", made_by)));
}

error secret_id_source::not_whole(std::string_view why) const {
    return {code::failed_precondition, "VAULT_WRAPPED_SECRET_ID",
            fmt::format("The wrapping token in {} opens no secret id ({}). It has ended, or somebody else has opened it: find out which, destroy that secret id, and bring a fresh token",
                        options_.wrapping_token_file.string(), why)};
}

}  // namespace bv::vault
