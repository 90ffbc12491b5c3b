#include "domains/commerce/payment/provider/journal.hpp"

#include <cerrno>
#include <charconv>
#include <fstream>
#include <vector>

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "platform/core/os_error.hpp"
#include "platform/runtime/waiter.hpp"
#include "platform/telemetry/log.hpp"

namespace bv::payment_provider {
namespace {

std::string checksum(std::string_view text) {
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
    char out[9];
    std::snprintf(out, sizeof out, "%08lx", static_cast<unsigned long>(sum));
    return {out, 8};
}

std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> fields;
    while (true) {
        const auto tab = line.find('\t');
        fields.push_back(line.substr(0, tab));
        if (tab == std::string_view::npos) return fields;
        line.remove_prefix(tab + 1);
    }
}

bool read_number(std::string_view text, std::int64_t& out) {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    return ec == std::errc{} && end == text.data() + text.size();
}

[[noreturn]] void unreadable(const std::filesystem::path& file, std::string_view what) {
    throw failure(code::unavailable, "JOURNAL_UNREADABLE",
                  "the provider's journal " + file.string() + ": " + std::string(what) + ": " + os_error());
}

// Writes all, then syncs; an errno otherwise.
int write_out(int fd, std::string_view bytes, bool sync) {
    while (!bytes.empty()) {
        const auto n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return sync && ::fdatasync(fd) != 0 ? errno : 0;
}

}  // namespace

std::string to_line(const record& r) {
    const auto& c = r.asked;
    std::string body;
    const auto put = [&body](std::string_view field) {
        if (!body.empty()) body += '\t';
        body += field;
    };
    put(std::to_string(r.sequence));
    put(std::to_string(r.time.time_since_epoch().count()));
    put(std::to_string(static_cast<int>(c.operation)));
    put(c.key);
    put(c.authorisation);
    put(std::to_string(c.amount));
    put(c.currency);
    put(c.method);
    put(c.reference);
    put(r.authorisation);
    put(r.done ? "1" : "0");
    put(r.reason);
    return checksum(body) + '\t' + body + '\n';
}

std::optional<record> from_line(std::string_view line) {
    if (line.size() < 10 || line[8] != '\t' || checksum(line.substr(9)) != line.substr(0, 8)) return std::nullopt;
    const auto f = split(line.substr(9));
    record r;
    std::int64_t time = 0, op = 0;
    if (f.size() != 12 || !read_number(f[0], r.sequence) || !read_number(f[1], time) || !read_number(f[2], op) || op < 0 || op > 3 ||
        !read_number(f[5], r.asked.amount))
        return std::nullopt;
    r.time = time_point(microseconds(time));
    r.asked.operation = static_cast<operation>(op);
    r.asked.key = f[3];
    r.asked.authorisation = f[4];
    r.asked.currency = f[6];
    r.asked.method = f[7];
    r.asked.reference = f[8];
    r.authorisation = f[9];
    r.done = f[10] == "1";
    r.reason = f[11];
    return r;
}

struct journal::impl : std::enable_shared_from_this<journal::impl> {
    int fd = -1;
    bool sync = true;
    asio::any_io_executor home;
    asio::thread_pool writer{1};
    std::string buffer;
    std::int64_t appended = 0, durable = 0;
    bool writing = false;
    int broken = 0;  // errno
    std::deque<std::pair<std::int64_t, std::shared_ptr<waiter>>> waiting;

    ~impl() {
        writer.join();
        if (fd >= 0) ::close(fd);
    }

    void write_next() {
        if (writing || buffer.empty() || broken != 0) return;
        writing = true;
        asio::post(writer, [self = shared_from_this(), bytes = std::exchange(buffer, {}), until = appended]() mutable {
            const int ec = write_out(self->fd, bytes, self->sync);
            const auto executor = self->home;
            // Moved: the last owner joins this thread, so it must not be this thread.
            asio::post(executor, [self = std::move(self), until, ec] { self->written(until, ec); });
        });
    }

    void written(std::int64_t until, int ec) {
        writing = false;
        if (ec != 0) {
            broken = ec;
            telemetry::error("payment_provider.journal_failed", {{"error", os_error(ec)}});
        } else {
            durable = until;
        }
        while (!waiting.empty() && (broken != 0 || waiting.front().first <= durable)) {
            waiting.front().second->wake();
            waiting.pop_front();
        }
        write_next();
    }
};

journal::journal(std::filesystem::path file, bool sync, asio::any_io_executor home, const std::function<bool(record)>& replay)
    : impl_(std::make_shared<impl>()) {
    if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path());
    impl_->sync = sync;
    impl_->home = std::move(home);
    impl_->fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (impl_->fd < 0) unreadable(file, "cannot be opened");
    std::ifstream in(file, std::ios::binary);
    std::string line;
    std::int64_t number = 0, good = 0;
    while (std::getline(in, line)) {
        ++number;
        const bool whole = !in.eof();
        auto r = whole ? from_line(line) : std::nullopt;
        if (!r && (!whole || in.peek() == std::ifstream::traits_type::eof())) break;  // never acknowledged
        const auto sequence = r ? r->sequence : 0;
        if (!r || !replay(std::move(*r)))
            throw failure(code::data_loss, "JOURNAL_DAMAGED",
                          "line " + std::to_string(number) + " of the provider's journal " + file.string() +
                              " does not follow from those before it; restore the file, or move it away to start with empty books");
        impl_->appended = impl_->durable = sequence;
        good += static_cast<std::int64_t>(line.size()) + 1;
    }
    if (::ftruncate(impl_->fd, good) != 0) unreadable(file, "its torn last line cannot be removed");
}

journal::~journal() = default;

void journal::append(const record& r) {
    impl_->buffer += to_line(r);
    impl_->appended = r.sequence;
    impl_->write_next();
}

task<void> journal::durable(std::int64_t sequence) {
    const auto self = impl_;
    if (self->durable < sequence && self->broken == 0) {
        auto w = waiter::make();
        self->waiting.emplace_back(sequence, w);
        co_await w->wait();
    }
    if (self->durable < sequence)
        throw failure(code::unavailable, "JOURNAL_FULL", std::string("the provider's journal cannot be written: ") + os_error(self->broken));
}

std::int64_t journal::durable_until() const noexcept { return impl_->durable; }

}  // namespace bv::payment_provider
