// Who this process is among all that ever ran: the name under which it owns things, and by which others on the same machine
// see that it is gone, without waiting for what it owned to run out.
#pragma once

#include <string>
#include <string_view>

namespace bv {

// "<machine's run>:<process namespace>:<pid>:<when it was started>"; the same for as long as the process lives. No second process
// ever has it: a machine that is started again is another run, a pid that is used again was started at another time.
[[nodiscard]] const std::string& process_identity();

// Whether that process has certainly ended; what follows a # is not looked at. False when it runs, also when it stands still, and when it cannot be told: another
// machine, another container, no such text.
[[nodiscard]] bool is_surely_gone(std::string_view identity);

}  // namespace bv
