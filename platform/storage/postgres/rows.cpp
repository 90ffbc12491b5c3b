#include <charconv>
#include <cstring>

#include <libpq-fe.h>

#include "platform/core/assert.hpp"
#include "platform/storage/postgres/database.hpp"

namespace bv::pg {

rows::rows(pg_result* r) noexcept : result_(r, [](pg_result* p) { PQclear(p); }) {}

int rows::size() const noexcept { return result_ ? PQntuples(result_.get()) : 0; }

std::int64_t rows::affected() const noexcept {
    if (!result_) return 0;
    const char* text = PQcmdTuples(result_.get());
    std::int64_t n = 0;
    std::from_chars(text, text + std::strlen(text), n);
    return n;
}

row rows::operator[](int i) const noexcept {
    BV_ASSERT(i >= 0 && i < size());
    return {result_.get(), i};
}

row rows::front() const noexcept { return (*this)[0]; }
rows::iterator rows::begin() const noexcept { return {result_.get(), 0}; }
rows::iterator rows::end() const noexcept { return {result_.get(), size()}; }

bool row::is_null(int column) const noexcept { return PQgetisnull(result_, index_, column) != 0; }

}  // namespace bv::pg
