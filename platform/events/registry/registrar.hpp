// Which schema id stands before a message, and whether the one that stands there is right.
//
// Writers: the schemas of a type are registered before its first record is sent; what the registry answered is noted, so that
// without a registry everything goes on but types that it has not got yet. A change that breaks readers is refused by the same rule as in the
// tests of the contracts (compatibility.hpp), whatever the registry itself would let through.
//
// Readers: an id is looked for among the notes first, then in the registry. Records of our own never wait for it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/descriptor.pb.h>

#include "platform/core/clock.hpp"
#include "platform/events/registry/registry_client.hpp"
#include "platform/events/registry/schema.hpp"
#include "platform/events/registry/schema_notes.hpp"

namespace bv::events::registry {

struct registrar_options {
    registry_options registry{};
    std::string prefix{};              // of the subjects of types that events use
    milliseconds pause{2'000};         // after the registry did not answer it is left alone for so long
};

// How the message that a record's value names fits to the type that its header names.
enum class fit : unsigned char {
    yes,
    no,
    unknown,  // the schema has to be looked for: resolve()
};

// Thread-safe.
class registrar {
public:
    // The database as the role bv_log. Both outlive it. Throws failure INVALID_ARGUMENT for a URL that is none.
    registrar(registrar_options, pg::database&, clock&);

    // What stands before every message of the type in the topic; empty for a type that is not linked into this binary. Errors, after
    // which it may be asked again: FAILED_PRECONDITION "INCOMPATIBLE_SCHEMA" naming subject, field and rule; FAILED_PRECONDITION
    // "REGISTRY_REPLACED"; UNAVAILABLE "REGISTRY_AWAY", and what registry_client gives. Throws failure while the database is away.
    task<result<std::string>> prefix_of(std::string topic, std::string type);
    // The same when it is known already.
    [[nodiscard]] std::optional<std::string> known_prefix(const std::string& topic, const std::string& type) const;

    [[nodiscard]] fit fits(std::int32_t schema, const std::vector<std::int32_t>& message, const std::string& type) const;
    // Afterwards fits() knows. Throws failure while the database, or a registry that is needed, is away.
    task<void> resolve(std::int32_t schema);

    // Asks the registry whether it answers; called now and then. Never throws.
    task<void> look();
    // Empty when all is well, else what is not and how to mend it.
    [[nodiscard]] std::string trouble() const;

private:
    struct placed {
        std::int32_t id = 0, version = 0;
    };
    task<result<placed>> place(std::string subject, schema, std::vector<reference>);
    task<result<placed>> find_or_add(std::string subject, schema, std::vector<reference>, bool is_noted);
    task<result<placed>> add(std::string subject, schema, std::vector<reference>, std::vector<std::int32_t> versions);
    task<result<void>> check(std::string subject, std::string text, std::vector<std::int32_t> versions);
    [[nodiscard]] bool is_left_alone() const;
    void tell_away(const error&);
    void tell_answers();
    void tell_refused(const std::string& topic, const std::string& type, const std::string& why);

    const registrar_options options_;
    clock& clock_;
    registry_client client_;
    schema_notes notes_;

    mutable std::mutex mutex_;
    std::map<std::pair<std::string, std::string>, std::string, std::less<>> prefixes_;  // by topic and type
    std::map<std::int32_t, std::shared_ptr<const google::protobuf::FileDescriptorProto>> schemas_;  // null: nobody has it
    std::map<std::pair<std::string, std::string>, std::string> refused_;                // why, by topic and type
    std::string away_;                                                                  // why
    steady_point alone_until_{};
};

}  // namespace bv::events::registry
