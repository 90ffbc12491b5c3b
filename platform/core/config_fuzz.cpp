#include "platform/core/config.hpp"
#include "platform/testing/fuzz.hpp"
#include "platform/testing/memory_file.hpp"

namespace {

bv::config_schema schema() {
    using namespace std::chrono_literals;
    bv::config_schema out;
    out.boolean("http.access_log", true, "a")
        .integer("http.port", 8080, {1, 65535}, "b")
        .duration("http.idle_timeout", 60s, {1s, 1h}, "c")
        .size("http.body", {1024}, {{1}, {1 << 20}}, "d")
        .text("name", "", "e")
        .choice("log.level", "info", {"debug", "info"}, "f")
        .secret("key", "g")
        .list("hosts", {}, "h");
    return out;
}

}  // namespace

// Whatever the file says, the settings are within their ranges or every problem is named.
BV_FUZZ(config) {
    if (bytes.size() > 4096) return;  // what people write by hand, not the YAML library's depths
    static const bv::config_schema all = schema();
    const bv::testing::memory_file file(bytes);
    const auto loaded = bv::config::load(all, {.file = file.path(), .environment = {}, .flags = {}});
    if (!loaded) {
        BV_ASSERT(loaded.error().reason == "CONFIG_INVALID" && !loaded.error().violations.empty());
        return;
    }
    const auto port = loaded->get<int>("http.port");
    BV_ASSERT(port >= 1 && port <= 65535);
    BV_ASSERT(loaded->get<bv::byte_count>("http.body").bytes <= 1 << 20);
    BV_ASSERT(!loaded->print().empty());
}
