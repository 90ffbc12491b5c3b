// The documents that were generated for the contract of the tests.
#pragma once

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <set>
#include <span>
#include <string>
#include <string_view>

#include "platform/core/embed.hpp"

namespace bv_sample_contract {
std::span<const bv::embedded_file> document_files();
}

namespace bv::codegen::testing {

inline boost::json::value document_named(std::string_view name) {
    for (const auto& file : bv_sample_contract::document_files())
        if (file.name == name) return boost::json::parse(file.text);
    ADD_FAILURE() << "there is no " << name;
    return {};
}

// A value by JSON pointer; null when there is none.
inline boost::json::value at(const boost::json::value& root, const std::string& pointer) {
    boost::system::error_code error;
    const boost::json::value* found = root.find_pointer(pointer, error);
    return found == nullptr ? boost::json::value{} : *found;
}

inline void collect_references(const boost::json::value& v, std::set<std::string>& out) {
    if (v.is_array())
        for (const auto& item : v.get_array()) collect_references(item, out);
    if (!v.is_object()) return;
    for (const auto& [key, value] : v.get_object()) {
        if (key == "$ref") out.insert(std::string(value.as_string()));
        else collect_references(value, out);
    }
}

// Every "$ref" leads to something in the document. How many there are.
inline std::size_t expect_no_loose_reference(const boost::json::value& document) {
    std::set<std::string> references;
    collect_references(document, references);
    for (const std::string& reference : references) EXPECT_FALSE(at(document, reference.substr(1)).is_null()) << reference;
    return references.size();
}

}  // namespace bv::codegen::testing
