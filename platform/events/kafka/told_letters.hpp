// Dead letters that are to be told to a topic, in the consumer's store: those that came with a record, until they were.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "platform/events/dead_letter.hpp"
#include "platform/storage/postgres/database.hpp"
#include "platform/storage/unit_of_work.hpp"

namespace bv::events::kafka {

struct untold_letter {
    dead_letter letter;             // with its payload
    std::int32_t partition = 0;     // of the record in the source's topic
    std::int64_t offset = 0;
};

// Of one group and source.
class told_letters {
public:
    told_letters(std::string group, std::string source, std::string_view schema);

    // In position order.
    task<std::vector<untold_letter>> untold(storage::unit_of_work&, std::int32_t limit);
    task<void> note(storage::unit_of_work&, std::vector<std::int64_t> positions);

private:
    const std::string group_, source_;
    const pg::statement untold_, note_;
};

}  // namespace bv::events::kafka
