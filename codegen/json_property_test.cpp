// Generated JSON code against Protobuf's own over random messages of every type.
#include <gtest/gtest.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <rapidcheck.h>

#include <cmath>
#include <limits>

#include "bitvelocity/sample/v1/sample.bv.hpp"
#include "platform/rpc/message_json.hpp"

namespace v1 = bitvelocity::sample::v1;
namespace pb = google::protobuf;
using pb::FieldDescriptor;

namespace {

// Random contents for any message, by reflection.
class filler {
public:
    explicit filler(std::uint64_t seed) : state_(seed | 1) {}

    void fill(pb::Message& m, int depth) {
        const pb::Descriptor& type = *m.GetDescriptor();
        if (type.full_name() == "google.protobuf.Timestamp") return fill_timestamp(m);
        if (type.full_name() == "google.protobuf.Duration") return fill_duration(m);
        if (type.full_name() == "google.protobuf.FieldMask") return fill_mask(m);
        if (type.full_name() == "google.protobuf.Any") return;
        if (type.full_name() == "google.protobuf.Value") return fill_value(m, depth);
        for (int i = 0; i < type.field_count(); ++i)
            if (below(3) == 0) fill_field(m, *type.field(i), depth);
    }

private:
    std::uint64_t next() {
        state_ ^= state_ << 13, state_ ^= state_ >> 7, state_ ^= state_ << 17;
        return state_ * 0x2545F4914F6CDD1DULL;
    }
    std::uint64_t below(std::uint64_t n) { return (next() >> 11) % n; }

    std::string text() {
        static const std::string_view pieces[] = {"a", "Z", "\"", "\\", "/", "\n", "\t", std::string_view("\0", 1), "\x1f", "ä", "€", "😀", "<", "&", "\xE2\x80\xA8", "\x7f", "0"};
        std::string out;
        for (auto n = below(6); n > 0; --n) out += pieces[below(std::size(pieces))];
        return out;
    }
    std::string bytes() {
        std::string out;
        for (auto n = below(8); n > 0; --n) out += static_cast<char>(next());
        return out;
    }
    template <class Int>
    Int integer() {
        switch (below(5)) {
        case 0: return std::numeric_limits<Int>::max();
        case 1: return std::numeric_limits<Int>::min();
        case 2: return static_cast<Int>(below(3));
        default: return static_cast<Int>(next());
        }
    }
    double real() {
        switch (below(8)) {
        case 0: return std::numeric_limits<double>::infinity();
        case 1: return -std::numeric_limits<double>::infinity();
        case 2: return -0.0;
        case 3: return 1e300;
        case 4: return 0.1;
        case 5: return std::numeric_limits<double>::denorm_min();
        default: return static_cast<double>(integer<std::int64_t>()) / 1000;
        }
    }
    float small_real() {
        switch (below(4)) {
        case 0: return std::numeric_limits<float>::infinity();
        case 1: return 16777217.25F;
        case 2: return std::numeric_limits<float>::max();
        default: return static_cast<float>(integer<std::int32_t>()) / 7;
        }
    }

    static void set_int(pb::Message& m, const char* field, std::int64_t v) {
        const auto* f = m.GetDescriptor()->FindFieldByName(field);
        if (f->cpp_type() == FieldDescriptor::CPPTYPE_INT32) m.GetReflection()->SetInt32(&m, f, static_cast<std::int32_t>(v));
        else m.GetReflection()->SetInt64(&m, f, v);
    }
    std::int64_t nanos() {
        switch (below(4)) {
        case 0: return 0;
        case 1: return static_cast<std::int64_t>(below(1000)) * 1'000'000;
        case 2: return static_cast<std::int64_t>(below(1'000'000)) * 1000;
        default: return static_cast<std::int64_t>(below(1'000'000'000));
        }
    }
    void fill_timestamp(pb::Message& m) {
        const std::int64_t first = -62'135'596'800, last = 253'402'300'799;
        set_int(m, "seconds", below(8) == 0 ? first : below(8) == 0 ? last : first + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(last - first))));
        set_int(m, "nanos", nanos());
    }
    void fill_duration(pb::Message& m) {
        const std::int64_t sign = below(2) == 0 ? 1 : -1;
        set_int(m, "seconds", sign * static_cast<std::int64_t>(below(2) == 0 ? 0 : below(315'576'000'000)));
        set_int(m, "nanos", sign * nanos());
    }
    void fill_mask(pb::Message& m) {
        static const char* paths[] = {"display_name", "price.minor_units", "a", "a1_b.c"};
        const auto* f = m.GetDescriptor()->FindFieldByName("paths");
        for (auto n = below(3); n > 0; --n) m.GetReflection()->AddString(&m, f, paths[below(4)]);
    }
    void fill_value(pb::Message& m, int depth) {
        static const char* kinds[] = {"null_value", "number_value", "string_value", "bool_value", "struct_value", "list_value"};
        const auto* f = m.GetDescriptor()->FindFieldByName(kinds[below(depth > 0 ? 6 : 4)]);
        // JSON has no infinity outside of strings.
        if (f->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) m.GetReflection()->SetDouble(&m, f, static_cast<double>(integer<std::int32_t>()) / 8);
        else if (f->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) m.GetReflection()->SetEnumValue(&m, f, 0);
        else fill_field(m, *f, depth);
    }

    void fill_field(pb::Message& m, const FieldDescriptor& f, int depth) {
        if (!f.is_repeated()) return set(m, f, depth);
        for (auto n = below(4); n > 0; --n) f.is_map() ? add_entry(m, f, depth) : add(m, f, depth);
    }
    void add_entry(pb::Message& m, const FieldDescriptor& f, int depth) {
        pb::Message* entry = m.GetReflection()->AddMessage(&m, &f);
        set(*entry, *f.message_type()->map_key(), depth);
        set(*entry, *f.message_type()->map_value(), depth);
    }
    void set(pb::Message& m, const FieldDescriptor& f, int depth) {
        const pb::Reflection& r = *m.GetReflection();
        switch (f.cpp_type()) {
        case FieldDescriptor::CPPTYPE_INT32: return r.SetInt32(&m, &f, integer<std::int32_t>());
        case FieldDescriptor::CPPTYPE_INT64: return r.SetInt64(&m, &f, integer<std::int64_t>());
        case FieldDescriptor::CPPTYPE_UINT32: return r.SetUInt32(&m, &f, integer<std::uint32_t>());
        case FieldDescriptor::CPPTYPE_UINT64: return r.SetUInt64(&m, &f, integer<std::uint64_t>());
        case FieldDescriptor::CPPTYPE_DOUBLE: return r.SetDouble(&m, &f, real());
        case FieldDescriptor::CPPTYPE_FLOAT: return r.SetFloat(&m, &f, small_real());
        case FieldDescriptor::CPPTYPE_BOOL: return r.SetBool(&m, &f, below(2) == 0);
        case FieldDescriptor::CPPTYPE_ENUM: return r.SetEnumValue(&m, &f, number_of(f));
        case FieldDescriptor::CPPTYPE_STRING: return r.SetString(&m, &f, f.type() == FieldDescriptor::TYPE_BYTES ? bytes() : text());
        case FieldDescriptor::CPPTYPE_MESSAGE:
            if (depth > 0 && f.message_type()->full_name() != "google.protobuf.Any") fill(*r.MutableMessage(&m, &f), depth - 1);
            else if (f.message_type()->full_name() == "google.protobuf.Value") fill_value(*r.MutableMessage(&m, &f), 0);
        }
    }
    void add(pb::Message& m, const FieldDescriptor& f, int depth) {
        const pb::Reflection& r = *m.GetReflection();
        switch (f.cpp_type()) {
        case FieldDescriptor::CPPTYPE_INT32: return r.AddInt32(&m, &f, integer<std::int32_t>());
        case FieldDescriptor::CPPTYPE_INT64: return r.AddInt64(&m, &f, integer<std::int64_t>());
        case FieldDescriptor::CPPTYPE_UINT32: return r.AddUInt32(&m, &f, integer<std::uint32_t>());
        case FieldDescriptor::CPPTYPE_UINT64: return r.AddUInt64(&m, &f, integer<std::uint64_t>());
        case FieldDescriptor::CPPTYPE_DOUBLE: return r.AddDouble(&m, &f, real());
        case FieldDescriptor::CPPTYPE_FLOAT: return r.AddFloat(&m, &f, small_real());
        case FieldDescriptor::CPPTYPE_BOOL: return r.AddBool(&m, &f, below(2) == 0);
        case FieldDescriptor::CPPTYPE_ENUM: return r.AddEnumValue(&m, &f, number_of(f));
        case FieldDescriptor::CPPTYPE_STRING: return r.AddString(&m, &f, f.type() == FieldDescriptor::TYPE_BYTES ? bytes() : text());
        case FieldDescriptor::CPPTYPE_MESSAGE: fill(*r.AddMessage(&m, &f), depth > 0 ? depth - 1 : 0);
        }
    }
    int number_of(const FieldDescriptor& f) {
        if (f.enum_type()->full_name() == "google.protobuf.NullValue") return 0;
        return below(5) == 0 ? 12345 : f.enum_type()->value(static_cast<int>(below(static_cast<std::uint64_t>(f.enum_type()->value_count()))))->number();
    }

    std::uint64_t state_;
};

v1::EveryType random_message(std::uint64_t seed) {
    v1::EveryType filled, m;
    filler(seed).fill(filled, 3);
    m.ParseFromString(filled.SerializeAsString());  // of map entries with the same key one is left
    return m;
}

bool same(const pb::Message& a, const pb::Message& b, std::string* difference) {
    pb::util::MessageDifferencer differ;
    differ.ReportDifferencesToString(difference);
    return differ.Compare(a, b);
}

}  // namespace

TEST(GeneratedJson, WhatIsWrittenProtobufReadsBackTheSame) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        const v1::EveryType message = random_message(seed);
        const std::string json = bv::rpc::to_json(message);
        v1::EveryType back;
        const auto status = pb::util::JsonStringToMessage(json, &back);
        std::string difference;
        RC_LOG() << json << '\n' << status.ToString();
        RC_ASSERT(status.ok());
        const bool equal = same(message, back, &difference);
        RC_LOG() << difference;
        RC_ASSERT(equal);
    }));
}

TEST(GeneratedJson, WhatProtobufWritesIsReadTheSame) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        const v1::EveryType message = random_message(seed);
        for (const bool original_names : {false, true}) {
            pb::util::JsonPrintOptions options;
            options.preserve_proto_field_names = original_names;
            options.always_print_enums_as_ints = original_names;
            options.add_whitespace = original_names;
            std::string json;
            RC_ASSERT(pb::util::MessageToJsonString(message, &json, options).ok());
            v1::EveryType back;
            const auto read = bv::json::parse(json, back);
            RC_LOG() << json << '\n' << (read ? "" : read.error().message);
            RC_ASSERT(read.has_value());
            std::string difference;
            const bool equal = same(message, back, &difference);
            RC_LOG() << difference;
            RC_ASSERT(equal);
        }
    }));
}

TEST(GeneratedJson, ReadsBackItsOwn) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        const v1::EveryType message = random_message(seed);
        v1::EveryType back;
        RC_ASSERT(bv::json::parse(bv::rpc::to_json(message), back).has_value());
        std::string difference;
        RC_ASSERT(same(message, back, &difference));
    }));
}

// Truncated and damaged text is refused or read, never worse.
TEST(GeneratedJson, SurvivesDamage) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed, std::uint32_t place, char c) {
        std::string json = bv::rpc::to_json(random_message(seed));
        v1::EveryType ignored;
        (void)bv::json::parse(json.substr(0, place % json.size()), ignored);
        json[place % json.size()] = c;
        (void)bv::json::parse(json, ignored);
    }));
}
