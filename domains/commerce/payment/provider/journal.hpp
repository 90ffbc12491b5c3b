// The provider's journal: one line a record, appended and synced in groups, read again at the next start.
//
// A line is "<crc32 of the rest, 8 hex digits>\t<fields, separated by tabs>\n". A last line that is cut short or does not
// match its sum was never acknowledged and is removed; any other is damage, and the start fails.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/any_io_executor.hpp>

#include "domains/commerce/payment/provider/books.hpp"
#include "platform/core/task.hpp"

namespace bv::payment_provider {

[[nodiscard]] std::string to_line(const record&);
// nullopt when it is not one. Without the line break.
[[nodiscard]] std::optional<record> from_line(std::string_view);

class journal {
public:
    // Reads what is there into `replay`, in order, and opens for appending. Throws failure UNAVAILABLE "JOURNAL_UNREADABLE",
    // DATA_LOSS "JOURNAL_DAMAGED" with the line's number (also when replay returns false). `home`: the one thread that
    // uses the journal; a thread of its own writes and syncs.
    journal(std::filesystem::path, bool sync, asio::any_io_executor home, const std::function<bool(record)>& replay);
    ~journal();

    void append(const record&);
    // Resumes when the record with this sequence number is on disk. Throws failure UNAVAILABLE "JOURNAL_FULL" once writing
    // has failed: nothing is acknowledged any more.
    task<void> durable(std::int64_t sequence);
    // The last one that is.
    [[nodiscard]] std::int64_t durable_until() const noexcept;

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace bv::payment_provider
