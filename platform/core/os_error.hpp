// What the operating system says of an error number, for a message to people.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace bv {

// Any thread may ask, which is not so of strerror.
inline std::string os_error(int number = errno) { return std::generic_category().message(number); }

}  // namespace bv
