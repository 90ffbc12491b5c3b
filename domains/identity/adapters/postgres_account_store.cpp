#include "domains/identity/adapters/postgres_stores.hpp"
#include "platform/security/encoding.hpp"

namespace bv::identity {

namespace {

#define BV_ACCOUNT_COLUMNS "id, email, display_name, country, external_reference, password_hash, roles, version, created_at, updated_at"

constexpr pg::statement insert_sql{"identity.insert_account", R"(
    INSERT INTO identity.accounts (id, email, email_index, display_name, country, password_hash, roles, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
        ON CONFLICT (email_index) DO NOTHING)"};

constexpr pg::statement find_sql{"identity.find_account", "SELECT " BV_ACCOUNT_COLUMNS " FROM identity.accounts WHERE id = $1"};

constexpr pg::statement lock_sql{"identity.lock_account", "SELECT " BV_ACCOUNT_COLUMNS " FROM identity.accounts WHERE id = $1 FOR UPDATE"};

constexpr pg::statement find_by_email_sql{"identity.find_account_by_email", "SELECT " BV_ACCOUNT_COLUMNS R"(
      FROM identity.accounts WHERE email_index = $1)"};

constexpr pg::statement list_sql{"identity.list_accounts", "SELECT " BV_ACCOUNT_COLUMNS R"(
      FROM identity.accounts WHERE id > $1 ORDER BY id LIMIT $2)"};

constexpr pg::statement find_all_sql{"identity.find_accounts", "SELECT " BV_ACCOUNT_COLUMNS R"(
      FROM identity.accounts WHERE id = ANY($1::uuid[]) ORDER BY id)"};

constexpr pg::statement save_sql{"identity.save_account", R"(
    UPDATE identity.accounts
       SET display_name = $2, password_hash = $3, roles = $4, version = $5, updated_at = $6
     WHERE id = $1)"};

constexpr pg::statement invalidate_sql{"identity.invalidate_tokens", R"(
    UPDATE identity.accounts SET tokens_valid_from = $2 WHERE id = $1)"};

// All imported accounts have the same roles and times.
constexpr pg::statement add_imported_sql{"identity.add_imported_accounts", R"(
    INSERT INTO identity.accounts (id, country, external_reference, roles, created_at, updated_at)
    SELECT n.id, n.country, n.reference, $4, $5, $5
      FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n(id, country, reference)
     ORDER BY n.reference
        ON CONFLICT (external_reference) DO NOTHING
    RETURNING )" BV_ACCOUNT_COLUMNS};

constexpr pg::statement find_references_sql{"identity.find_references", R"(
    SELECT external_reference, id FROM identity.accounts WHERE external_reference = ANY($1::text[]))"};

// A value begins with the version and the id of its key ($2: of the current one).
constexpr pg::statement lock_stale_sql{"identity.lock_stale_accounts", R"(
    SELECT id, email, display_name FROM identity.accounts
     WHERE id > $1 AND (substr(email, 1, 5) <> $2 OR substr(display_name, 1, 5) <> $2)
     ORDER BY id LIMIT $3 FOR UPDATE)"};

// An array has no nulls here: an empty value stands for one.
constexpr pg::statement save_encrypted_sql{"identity.save_encrypted", R"(
    UPDATE identity.accounts a
       SET email = nullif(n.email, ''::bytea), display_name = nullif(n.display_name, ''::bytea)
      FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS n(id, email, display_name)
     WHERE a.id = n.id)"};

constexpr pg::statement values_by_key_sql{"identity.values_by_key", R"(
    SELECT head, count(*)
      FROM (SELECT substr(email, 1, 5) AS head FROM identity.accounts WHERE email IS NOT NULL
             UNION ALL
            SELECT substr(display_name, 1, 5) FROM identity.accounts WHERE display_name IS NOT NULL) AS v
     GROUP BY head)"};

#undef BV_ACCOUNT_COLUMNS

constexpr std::string_view email_column = "identity.accounts.email", name_column = "identity.accounts.display_name";

}  // namespace

static_assert(security::field_cipher::header_size == 5);  // as the statements have it

std::optional<pg::bytes> postgres_account_store::encrypted(const std::string& plain, std::string_view column, account_id id) const {
    if (plain.empty()) return std::nullopt;
    return pg::bytes{keys_.encrypt(plain, {column, id.str()})};
}

std::string postgres_account_store::decrypted(const std::optional<pg::bytes>& value, std::string_view column, account_id id) const {
    if (!value) return {};
    auto plain = keys_.decrypt(value->data, {column, id.str()});
    if (!plain) throw failure(plain.error());
    return std::move(*plain);
}

std::optional<pg::bytes> postgres_account_store::index_of(const std::string& email) const {
    if (email.empty()) return std::nullopt;
    return pg::bytes{std::string(security::as_text(keys_.blind_index(email_column, email)))};
}

account postgres_account_store::read(pg::row row) const {
    account a;
    a.id = row.get<account_id>(0);
    a.email = decrypted(row.get<std::optional<pg::bytes>>(1), email_column, a.id);
    a.display_name = decrypted(row.get<std::optional<pg::bytes>>(2), name_column, a.id);
    a.country = row.get<std::string>(3);
    a.external_reference = row.get<std::optional<std::string>>(4).value_or("");
    a.password_hash = row.get<std::optional<std::string>>(5);
    a.roles = row.get<std::vector<std::string>>(6);
    a.version = row.get<std::int64_t>(7);
    a.created_at = row.get<time_point>(8);
    a.updated_at = row.get<time_point>(9);
    return a;
}

std::optional<account> postgres_account_store::read_one(const pg::rows& rows) const {
    if (rows.empty()) return std::nullopt;
    return read(rows.front());
}

std::vector<account> postgres_account_store::read_all(const pg::rows& rows) const {
    std::vector<account> out;
    out.reserve(static_cast<std::size_t>(rows.size()));
    for (const auto row : rows) out.push_back(read(row));
    return out;
}

task<bool> postgres_account_store::insert(storage::unit_of_work& uow, account a) {
    const auto done = co_await pg::of(uow).query(
        insert_sql, pg::params(a.id, encrypted(a.email, email_column, a.id), index_of(a.email), encrypted(a.display_name, name_column, a.id), a.country,
                               a.password_hash, a.roles, a.created_at));
    co_return done.affected() == 1;
}

task<std::optional<account>> postgres_account_store::find(storage::unit_of_work& uow, account_id id) {
    co_return read_one(co_await pg::of(uow).query(find_sql, pg::params(id)));
}

task<std::optional<account>> postgres_account_store::lock(storage::unit_of_work& uow, account_id id) {
    co_return read_one(co_await pg::of(uow).query(lock_sql, pg::params(id)));
}

task<std::optional<account>> postgres_account_store::find_by_email(storage::unit_of_work& uow, std::string email) {
    co_return read_one(co_await pg::of(uow).query(find_by_email_sql, pg::params(index_of(email))));
}

task<std::vector<account>> postgres_account_store::list(storage::unit_of_work& uow, account_id after, int limit) {
    co_return read_all(co_await pg::of(uow).query(list_sql, pg::params(after, static_cast<std::int64_t>(limit))));
}

task<std::vector<account>> postgres_account_store::find_all(storage::unit_of_work& uow, std::vector<account_id> ids) {
    co_return read_all(co_await pg::of(uow).query(find_all_sql, pg::params(ids)));
}

task<void> postgres_account_store::save(storage::unit_of_work& uow, account a) {
    pg::of(uow).send(save_sql, pg::params(a.id, encrypted(a.display_name, name_column, a.id), a.password_hash, a.roles, a.version, a.updated_at));
    co_return;
}

task<void> postgres_account_store::invalidate_tokens(storage::unit_of_work& uow, account_id id, time_point until) {
    pg::of(uow).send(invalidate_sql, pg::params(id, until));
    co_return;
}

task<std::vector<account>> postgres_account_store::add_imported(storage::unit_of_work& uow, std::vector<account> accounts) {
    if (accounts.empty()) co_return std::vector<account>{};
    std::vector<account_id> ids;
    std::vector<std::string> countries, references;
    for (auto& a : accounts) {
        ids.push_back(a.id);
        countries.push_back(std::move(a.country));
        references.push_back(std::move(a.external_reference));
    }
    co_return read_all(co_await pg::of(uow).query(add_imported_sql,
                                                  pg::params(ids, countries, references, accounts.front().roles, accounts.front().created_at)));
}

task<std::vector<std::pair<std::string, account_id>>> postgres_account_store::find_references(storage::unit_of_work& uow, std::vector<std::string> references) {
    std::vector<std::pair<std::string, account_id>> out;
    const auto rows = co_await pg::of(uow).query(find_references_sql, pg::params(references));
    for (const auto row : rows) out.emplace_back(row.get<std::string>(0), row.get<account_id>(1));
    co_return out;
}

task<encrypted_again> postgres_account_store::encrypt_again(storage::unit_of_work& uow, account_id after, int limit) {
    auto& tx = pg::of(uow);
    const auto head = keys_.cipher()->current_header();
    const auto rows = co_await tx.query(lock_stale_sql, pg::params(after, pg::bytes{head}, static_cast<std::int64_t>(limit)));
    encrypted_again out;
    std::vector<account_id> ids;
    std::vector<pg::bytes> emails, names;
    const auto anew = [&](const std::optional<pg::bytes>& value, std::string_view column, account_id id) {
        if (!value) return pg::bytes{};
        if (value->data.starts_with(head)) return *value;
        ++out.values;
        return pg::bytes{keys_.encrypt(decrypted(value, column, id), {column, id.str()})};
    };
    for (const auto row : rows) {
        const auto id = ids.emplace_back(row.get<account_id>(0));
        emails.push_back(anew(row.get<std::optional<pg::bytes>>(1), email_column, id));
        names.push_back(anew(row.get<std::optional<pg::bytes>>(2), name_column, id));
    }
    if (ids.empty()) co_return out;
    tx.send(save_encrypted_sql, pg::params(ids, emails, names));
    if (static_cast<int>(ids.size()) == limit) out.next = ids.back();
    co_return out;
}

task<std::map<std::uint32_t, std::int64_t>> postgres_account_store::values_by_key(storage::unit_of_work& uow) {
    std::map<std::uint32_t, std::int64_t> out;
    const auto rows = co_await pg::of(uow).query(values_by_key_sql);
    for (const auto row : rows) {
        const auto head = row.get<pg::bytes>(0);
        const auto key = security::field_cipher::key_of(head.data);
        if (!key) throw failure(code::data_loss, "FIELD_UNREADABLE", "identity.accounts holds values that are not encrypted.");
        out[*key] += row.get<std::int64_t>(1);
    }
    co_return out;
}

}  // namespace bv::identity
