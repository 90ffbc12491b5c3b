// A mailer for development: one file a mail, <folder>/2026-01-31/<notification id>.eml, by the day it was written. Sending
// a mail again writes the same bytes to the same file, so each mail is there exactly once. Nothing leaves the machine.
#pragma once

#include <filesystem>

#include "domains/commerce/notification/adapters/mail_message.hpp"

namespace bv::notification {

class file_mailer final : public mailer {
public:
    // The folder is made when it is missing, readable by its owner only: addresses are in the files.
    file_mailer(std::filesystem::path folder, mail_sender);
    task<std::vector<result<void>>> send(std::vector<mail>, steady_point deadline) override;

private:
    result<void> write(const mail&) const;
    std::filesystem::path folder_;
    mail_sender from_;
};

}  // namespace bv::notification
