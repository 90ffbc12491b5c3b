#include "domains/commerce/notification/adapters/file_mailer.hpp"

#include <fstream>
#include <system_error>

namespace bv::notification {

namespace fs = std::filesystem;

namespace {

bool make_private_folder(const fs::path& folder) {
    std::error_code ec;
    fs::create_directories(folder, ec);
    if (ec) return false;
    fs::permissions(folder, fs::perms::owner_all, ec);
    return !ec;
}

}  // namespace

file_mailer::file_mailer(fs::path folder, mail_sender from) : folder_(std::move(folder)), from_(std::move(from)) {}

result<void> file_mailer::write(const mail& m) const {
    auto message = render(m, from_);
    if (!message) return std::unexpected(std::move(message.error()));
    const auto day = folder_ / rfc3339(m.written_at).substr(0, 10);
    const auto file = day / (m.id.str() + ".eml");
    auto unfinished = file;
    unfinished += ".part";
    bool written = make_private_folder(folder_) && make_private_folder(day);
    if (written) {
        std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
        out << *message;
        out.close();
        written = out.good();
    }
    std::error_code ec;
    if (written) fs::rename(unfinished, file, ec);
    if (!written || ec)
        return fail(code::unavailable, "SPOOL_UNWRITABLE", "cannot write to the mail folder " + folder_.string() + "; make it writable or free some space");
    return {};
}

task<std::vector<result<void>>> file_mailer::send(std::vector<mail> mails, steady_point) {
    std::vector<result<void>> out;
    for (const auto& m : mails) out.push_back(write(m));
    co_return out;
}

}  // namespace bv::notification
