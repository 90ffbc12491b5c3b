// What libpq does not allow in pipeline mode: COPY and several statements in one string.
#include <libpq-fe.h>

#include "platform/storage/postgres/connection.hpp"
#include "platform/storage/postgres/sql_errors.hpp"

namespace bv::pg {
namespace {

constexpr std::size_t chunk = 256 * 1024;  // bytes given to libpq before it must have sent them

}  // namespace

task<rows> connection::leave_pipeline() {
    queue_begin();
    rows last;
    if (!pending_.empty()) {
        queue_sync();
        last = co_await drain();
    }
    if (PQexitPipelineMode(channel_.raw()) != 1) channel_.lost();
    co_return last;
}

// The results of one PQsendQuery up to its end, or up to where COPY data is wanted.
task<rows> connection::simple_result(std::string_view what) {
    rows last;
    std::optional<sql_error> error;
    for (;;) {
        co_await channel_.result_ready();
        PGresult* raw = PQgetResult(channel_.raw());
        if (raw == nullptr) {
            if (!channel_.usable()) channel_.lost();
            break;
        }
        rows result(raw);
        const auto status = PQresultStatus(raw);
        if (status == PGRES_COPY_IN) co_return result;
        if (status == PGRES_COPY_OUT) channel_.lost();
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
            auto e = error_of(raw, what);
            if (ends_connection(e.sqlstate())) channel_.lost();
            if (!error) error.emplace(std::move(e));
        } else {
            last = std::move(result);
        }
    }
    if (error) throw *std::move(error);
    co_return last;
}

task<void> connection::execute(std::string sql) {
    co_await leave_pipeline();
    channel_.set_deadline(client_->statement_deadline(options_.deadline));
    if (PQsendQuery(channel_.raw(), sql.c_str()) != 1) channel_.lost();
    std::exception_ptr error;
    try {
        co_await simple_result("(script)");
    } catch (const sql_error&) {
        error = std::current_exception();
    }
    channel_.clear_deadline();
    enter_pipeline();
    if (error) std::rethrow_exception(error);
}

task<std::int64_t> connection::copy_in(std::string sql, std::function<bool(std::string&)> next) {
    co_await leave_pipeline();
    if (PQsendQuery(channel_.raw(), sql.c_str()) != 1) channel_.lost();
    client_->statements.add();
    std::exception_ptr error;
    rows result;
    try {
        channel_.set_deadline(client_->statement_deadline(options_.deadline));
        result = co_await simple_result("(copy)");
        std::string buffer;
        bool more = true;
        while (more && !error) {
            buffer.clear();
            try {
                while (more && buffer.size() < chunk) more = next(buffer);
            } catch (...) {
                error = std::current_exception();  // the source failed: the COPY must be ended all the same
            }
            if (!error && !buffer.empty()) {
                // Refused when the server has already reported an error, which is read below.
                if (PQputCopyData(channel_.raw(), buffer.data(), static_cast<int>(buffer.size())) < 0) break;
                channel_.set_deadline(client_->statement_deadline(options_.deadline));
                co_await channel_.flush();
            }
        }
        if (!channel_.usable()) channel_.lost();
        PQputCopyEnd(channel_.raw(), error ? "the source of the data failed" : nullptr);
        result = co_await simple_result("(copy)");
    } catch (const sql_error&) {
        if (!error) error = std::current_exception();
    }
    channel_.clear_deadline();
    enter_pipeline();
    if (error) std::rethrow_exception(error);
    co_return result.affected();
}

}  // namespace bv::pg
