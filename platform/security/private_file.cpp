#include "platform/security/private_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/core/error.hpp"
#include "platform/core/os_error.hpp"

namespace bv::security {

namespace {

[[noreturn]] void throw_errno(const std::filesystem::path& path, const char* doing) {
    const int saved = errno;
    throw failure(code::unavailable, "SECRETS_IO", std::string("Cannot ") + doing + " " + path.string() + ": " + os_error(saved) + ".");
}

class descriptor {
public:
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    ~descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

void check_safe(const std::filesystem::path& path, const struct stat& s) {
    const auto unsafe = [&](const std::string& why, const std::string& mend) {
        throw failure(code::failed_precondition, "SECRETS_UNSAFE", path.string() + " holds secrets but " + why + ". " + mend);
    };
    if (!S_ISREG(s.st_mode)) unsafe("is not a regular file", "Move it away.");
    if ((s.st_mode & 077) != 0)
        unsafe("group or others have rights to it", "Run: chmod 600 '" + path.string() + "', and change the secrets if others may have read it.");
    if (s.st_uid != ::geteuid() && s.st_uid != 0) unsafe("belongs to another user", "Run: chown " + std::to_string(::geteuid()) + " '" + path.string() + "'.");
}

void write_all(int fd, const std::filesystem::path& path, std::string_view content) {
    while (!content.empty()) {
        const ssize_t n = ::write(fd, content.data(), content.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) throw_errno(path, "write");
        content.remove_prefix(static_cast<std::size_t>(n));
    }
    if (::fsync(fd) != 0) throw_errno(path, "sync");
}

// A synced temporary file beside the target, removed unless it was renamed.
class temporary {
public:
    temporary(const std::filesystem::path& target, std::string_view content) : path_(target.string() + "." + std::string(6, 'X')) {
        const descriptor fd(::mkostemp(path_.data(), O_CLOEXEC));  // mode 0600
        if (fd.get() < 0) {
            path_.clear();
            throw_errno(target, "create a temporary file for");
        }
        try {
            write_all(fd.get(), path_, content);
        } catch (...) {
            ::unlink(path_.c_str());
            throw;
        }
    }
    ~temporary() { ::unlink(path_.c_str()); }
    temporary(const temporary&) = delete;
    temporary& operator=(const temporary&) = delete;
    [[nodiscard]] const char* path() const noexcept { return path_.c_str(); }

private:
    std::string path_;
};

void sync_folder(const std::filesystem::path& path) {
    const descriptor fd(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0 || ::fsync(fd.get()) != 0) throw_errno(path.parent_path(), "sync");
}

}  // namespace

std::optional<std::string> read_private_file(const std::filesystem::path& path) {
    const descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (fd.get() < 0) {
        if (errno == ENOENT) return std::nullopt;
        throw_errno(path, "open");
    }
    struct stat s {};
    if (::fstat(fd.get(), &s) != 0) throw_errno(path, "examine");
    check_safe(path, s);
    std::string out(static_cast<std::size_t>(s.st_size), '\0');
    std::size_t have = 0;
    while (have < out.size()) {
        const ssize_t n = ::read(fd.get(), out.data() + have, out.size() - have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw_errno(path, "read");
        if (n == 0) break;
        have += static_cast<std::size_t>(n);
    }
    out.resize(have);
    return out;
}

void write_private_file(const std::filesystem::path& path, std::string_view content) {
    const temporary file(path, content);
    if (::rename(file.path(), path.c_str()) != 0) throw_errno(path, "replace");
    sync_folder(path);
}

file_lock::file_lock(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (fd_ < 0) throw_errno(path, "open");
    while (::flock(fd_, LOCK_EX) != 0) {
        if (errno == EINTR) continue;
        ::close(fd_);
        throw_errno(path, "lock");
    }
}

file_lock::~file_lock() { ::close(fd_); }

}  // namespace bv::security
