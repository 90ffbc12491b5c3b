// Parameters and columns: what is sent comes back, in every type, null and array.
#include "platform/storage/postgres/value.hpp"

#include <limits>
#include <numbers>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "platform/storage/postgres/scratch.hpp"

namespace bv::pg {
namespace {

using namespace scratch;

// Each type has its statement, as its parameter's type is part of it.
template <class T>
constexpr statement echo{"", ""};
template <> constexpr statement echo<bool>{"echo.bool", "SELECT $1::bool"};
template <> constexpr statement echo<std::int16_t>{"echo.int2", "SELECT $1::int2"};
template <> constexpr statement echo<std::int32_t>{"echo.int4", "SELECT $1::int4"};
template <> constexpr statement echo<std::int64_t>{"echo.int8", "SELECT $1::int8"};
template <> constexpr statement echo<double>{"echo.float8", "SELECT $1::float8"};
template <> constexpr statement echo<std::string>{"echo.text", "SELECT $1::text"};
template <> constexpr statement echo<bytes>{"echo.bytea", "SELECT $1::bytea"};
template <> constexpr statement echo<uuid>{"echo.uuid", "SELECT $1::uuid"};
template <> constexpr statement echo<time_point>{"echo.timestamptz", "SELECT $1::timestamptz"};
template <> constexpr statement echo<std::vector<std::int64_t>>{"echo.int8s", "SELECT $1::int8[]"};
template <> constexpr statement echo<std::vector<std::int32_t>>{"echo.int4s", "SELECT $1::int4[]"};
template <> constexpr statement echo<std::vector<bool>>{"echo.bools", "SELECT $1::bool[]"};
template <> constexpr statement echo<std::vector<double>>{"echo.float8s", "SELECT $1::float8[]"};
template <> constexpr statement echo<std::vector<uuid>>{"echo.uuids", "SELECT $1::uuid[]"};
template <> constexpr statement echo<std::vector<bytes>>{"echo.byteas", "SELECT $1::bytea[]"};
template <> constexpr statement echo<std::vector<std::string>>{"echo.texts", "SELECT $1::text[]"};
template <> constexpr statement echo<std::vector<time_point>>{"echo.timestamptzs", "SELECT $1::timestamptz[]"};
template <> constexpr statement echo<std::vector<std::optional<std::string>>>{"echo.texts", "SELECT $1::text[]"};

template <class T>
task<T> echoed(database& db, T value) {
    const auto found = co_await db.query(echo<T>, params(value));
    co_return found.front().template get<T>(0);
}

template <class T>
task<void> expect_echo(database& db, std::vector<T> values) {
    for (const auto& v : values) EXPECT_EQ(co_await echoed<T>(db, v), v);
}

// Text that PostgreSQL stores: UTF-8 without NUL.
std::string storable(const std::string& s) {
    std::string out;
    for (const char c : s) {
        if (c > 0) out.push_back(c);
    }
    return out + "ü€😀";
}

PG_TEST(values, round_trip_at_the_ends_of_each_type) {
    co_await expect_echo<std::int16_t>(db, {0, -1, std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max()});
    co_await expect_echo<std::int32_t>(db, {0, -1, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()});
    co_await expect_echo<std::int64_t>(db, {0, -1, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()});
    co_await expect_echo<double>(db, {0.0, -0.1, std::numbers::pi, std::numeric_limits<double>::max(), std::numeric_limits<double>::infinity()});
    co_await expect_echo<std::string>(db, {"", "a", "ü€😀", "line\nbreak", "'); DROP TABLE x; --", std::string(300'000, 'x')});
    co_await expect_echo<bytes>(db, {{""}, {std::string("\0\xff\x01", 3)}, {std::string(1'000'000, '\0')}});
    co_await expect_echo<uuid>(db, {uuid{}, uuid::named("x"), uuid::v7(system_clock(), system_rng())});
    co_await expect_echo<time_point>(db, {time_point{}, *parse_rfc3339("2000-01-01T00:00:00Z"), *parse_rfc3339("1969-12-31T23:59:59.999999Z"),
                                          *parse_rfc3339("2026-11-23T07:00:00.123456Z"), time_point::max(), time_point::min()});
    EXPECT_TRUE(co_await echoed(db, true));
    EXPECT_FALSE(co_await echoed(db, false));
}

struct sample {
    std::vector<std::int64_t> numbers;
    std::vector<std::string> texts;
    std::vector<double> doubles;
    std::string raw;
    std::int64_t microseconds_since_epoch;
};

task<sample> echoed_sample(database& db, sample s) {
    sample out;
    out.numbers = co_await echoed(db, s.numbers);
    out.texts = co_await echoed(db, s.texts);
    out.doubles = co_await echoed(db, s.doubles);
    out.raw = (co_await echoed(db, bytes{s.raw})).data;
    out.microseconds_since_epoch = (co_await echoed(db, time_point(microseconds(s.microseconds_since_epoch)))).time_since_epoch().count();
    co_return out;
}

task<void> echo_into(database& db, sample in, sample* out) { *out = co_await echoed_sample(db, std::move(in)); }

RC_GTEST_PROP(values, any_value_comes_back_as_it_was,
              (std::vector<std::int64_t> numbers, std::vector<std::string> texts, std::vector<double> doubles, std::string raw)) {
    for (auto& t : texts) t = storable(t);
    // The range of timestamptz that PostgreSQL takes: 4714 BC to 294276 AD.
    const auto time = *rc::gen::inRange<std::int64_t>(-210'866'803'200'000'000, 9'223'371'331'200'000'000);
    const sample in{numbers, texts, doubles, raw, time};
    sample out;
    with_database([&](database& db) { return echo_into(db, in, &out); });
    RC_ASSERT(out.numbers == in.numbers);
    RC_ASSERT(out.texts == in.texts);
    RC_ASSERT(out.doubles == in.doubles);
    RC_ASSERT(out.raw == in.raw);
    RC_ASSERT(out.microseconds_since_epoch == in.microseconds_since_epoch);
}

PG_TEST(values, arrays_round_trip_empty_and_with_nulls) {
    co_await expect_echo<std::vector<std::int64_t>>(db, {{}, {1}, {1, -2, 3}});
    co_await expect_echo<std::vector<std::int32_t>>(db, {{}, {7, -7}});
    co_await expect_echo<std::vector<bool>>(db, {{}, {true, false, true}});
    co_await expect_echo<std::vector<uuid>>(db, {{uuid::named("a"), uuid{}}});
    co_await expect_echo<std::vector<bytes>>(db, {{{""}, {std::string(1, '\0')}}});
    co_await expect_echo<std::vector<time_point>>(db, {{time_point{}, time_point::max()}});
    co_await expect_echo<std::vector<std::optional<std::string>>>(db, {{std::nullopt, "a", ""}});
}

constexpr statement nulls{"echo.nulls", "SELECT $1::int8 IS NULL AND $2::text IS NULL AND $3::uuid[] IS NULL, NULL::int8"};

PG_TEST(values, an_empty_optional_is_null_both_ways) {
    const auto found = co_await db.query(nulls, params(std::optional<std::int64_t>{}, std::optional<std::string>{}, std::optional<std::vector<uuid>>{}));
    const auto row = found.front();
    EXPECT_TRUE(row.get<bool>(0));
    EXPECT_TRUE(row.is_null(1));
    EXPECT_EQ(row.get<std::optional<std::int64_t>>(1), std::nullopt);
    EXPECT_THROW((void)row.get<std::int64_t>(1), std::logic_error);
}

struct thing_tag {};
constexpr statement typed{"echo.typed", "SELECT $1::uuid, $2::jsonb, $3::text, 'x'::name, DATE '1970-01-02', 7::int2, 5000000000::int8, "
                                        "sum(n)::numeric, 1.5::numeric, 12345678901234567::numeric, -40000::numeric "
                                        "FROM generate_series(1, 100) n"};

PG_TEST(values, columns_read_as_the_type_that_fits) {
    const strong_id<thing_tag> id{uuid::named("thing")};
    const auto found = co_await db.query(typed, params(id, json{R"({"a": [1, 2]})"}, "text"));
    const auto row = found.front();
    EXPECT_EQ(row.get<strong_id<thing_tag>>(0), id);
    EXPECT_EQ(row.get<json>(1).text, R"({"a": [1, 2]})");
    EXPECT_EQ(row.get<std::string>(1), R"({"a": [1, 2]})");
    EXPECT_EQ(row.get<std::string_view>(2), "text");
    EXPECT_EQ(row.get<std::string>(3), "x");
    EXPECT_EQ(row.get<time_point>(4), *parse_rfc3339("1970-01-02T00:00:00Z"));
    EXPECT_EQ(row.get<std::int64_t>(5), 7);
    EXPECT_EQ(row.get<std::int64_t>(6), 5'000'000'000);
    EXPECT_EQ(row.get<std::int64_t>(7), 5050);
    EXPECT_EQ(row.get<std::int64_t>(9), 12'345'678'901'234'567);
    EXPECT_EQ(row.get<std::int64_t>(10), -40'000);
    EXPECT_THROW((void)row.get<std::int32_t>(6), std::logic_error) << "does not fit";
    EXPECT_THROW((void)row.get<std::int64_t>(8), std::logic_error) << "has a fraction";
    EXPECT_THROW((void)row.get<std::string>(6), std::logic_error);
    EXPECT_THROW((void)row.get<uuid>(2), std::logic_error);
    EXPECT_THROW((void)row.get<bool>(6), std::logic_error);
    EXPECT_THROW((void)row.get<std::int64_t>(99), std::logic_error) << "no such column";
    EXPECT_THROW((void)row.get<std::vector<std::int64_t>>(2), std::logic_error);
}

constexpr statement many_rows{"echo.rows", "SELECT n FROM generate_series(1::int8, $1) n"};

PG_TEST(values, rows_are_iterated_in_order) {
    const auto found = co_await db.query(many_rows, params(10'000));
    std::int64_t next = 1;
    for (const auto row : found) EXPECT_EQ(row.get<std::int64_t>(0), next++);
    EXPECT_EQ(next, 10'001);
    EXPECT_TRUE(rows().empty());
}

}  // namespace
}  // namespace bv::pg
