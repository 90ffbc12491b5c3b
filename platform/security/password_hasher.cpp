#include "platform/security/password_hasher.hpp"

#include <exception>
#include <utility>

#include <boost/asio.hpp>

#include "platform/core/error.hpp"
#include "platform/security/digest.hpp"

namespace bv::security {

namespace {

// Runs work() on the pool and resumes the caller on its own executor.
template <class R, class Work>
task<R> run_on(asio::thread_pool& pool, Work work) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr, R)>(
        [&pool](auto handler, Work w) {
            auto home = asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
            asio::post(pool, [handler = std::move(handler), w = std::move(w), home = std::move(home)]() mutable {
                std::exception_ptr error;
                R value{};
                try {
                    value = w();
                } catch (...) {
                    error = std::current_exception();
                }
                asio::post(home, [handler = std::move(handler), error, value = std::move(value)]() mutable {
                    std::move(handler)(error, std::move(value));
                });
            });
        },
        asio::use_awaitable, std::move(work));
}

}  // namespace

struct password_hasher::impl {
    explicit impl(std::size_t threads) : pool(threads) {}
    asio::thread_pool pool;
};

// A place in the queue, given back however the call ends.
class password_hasher::slot {
public:
    explicit slot(password_hasher& owner) : owner_(owner) {
        if (owner_.waiting_.fetch_add(1, std::memory_order_relaxed) < owner_.options_.max_waiting) return;
        owner_.waiting_.fetch_sub(1, std::memory_order_relaxed);
        throw failure(error{code::resource_exhausted, "PASSWORD_QUEUE_FULL",
                            "Too many sign-ins at once: try again in a moment.", {}, std::chrono::milliseconds(1000)});
    }
    ~slot() { owner_.waiting_.fetch_sub(1, std::memory_order_relaxed); }
    slot(const slot&) = delete;
    slot& operator=(const slot&) = delete;

private:
    password_hasher& owner_;
};

password_hasher::password_hasher(password_hasher_options options)
    : options_(options), impl_(std::make_unique<impl>(options.threads == 0 ? 1 : options.threads)) {
    // Made ahead, so that the first unknown user does not take twice as long as a known one.
    (void)dummy_password_hash(options_.cost);
}

password_hasher::~password_hasher() { impl_->pool.join(); }

task<std::string> password_hasher::hash(std::string password) {
    const slot place(*this);
    auto work = [password = std::move(password), cost = options_.cost]() mutable {
        std::string out = hash_password(password, cost);
        wipe(password);
        return out;
    };
    co_return co_await run_on<std::string>(impl_->pool, std::move(work));
}

task<bool> password_hasher::verify(std::string password, std::optional<std::string> stored) {
    const slot place(*this);
    const bool known = stored.has_value();
    std::string against = known ? std::move(*stored) : dummy_password_hash(options_.cost);
    auto work = [password = std::move(password), against = std::move(against)]() mutable {
        const bool right = verify_password(password, against);
        wipe(password);
        return right;
    };
    const bool right = co_await run_on<bool>(impl_->pool, std::move(work));
    co_return known && right;
}

}  // namespace bv::security
