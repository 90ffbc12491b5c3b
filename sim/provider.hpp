// The payment provider: the development provider's books, behind a way that loses requests and answers.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "domains/commerce/payment/app/ports.hpp"
#include "domains/commerce/payment/provider/books.hpp"
#include "platform/runtime/signal.hpp"
#include "platform/runtime/scope.hpp"
#include "sim/chance.hpp"

namespace bv::sim {

// Does something after a while, whatever becomes of the node.
using later = std::function<void(milliseconds, std::function<void()>)>;

// Of one node: ends with it. The books go on, and so does what was on its way to them.
class provider final : public payment::provider {
public:
    // All but the node's own clock outlive it.
    provider(payment_provider::books& b, chance& c, asio::any_io_executor home, clock& time, later far)
        : books_(b), chance_(c), home_(home), clock_(time), far_(std::move(far)), ready_(std::make_shared<bv::signal>(home, time)) {}

    void submit(std::vector<payment::provider_call>) override;
    task<std::vector<payment::provider_answer>> answers(std::size_t max, steady_point until) override;
    void wake() noexcept override { ready_->notify(); }
    task<std::vector<payment::provider_record>> list(std::int64_t after, int limit) override;
    task<payment::provider_totals> totals() override;
    task<void> stop() { co_await calls_.join(); }
    std::function<void(std::vector<std::string>)> call_back;

private:
    task<void> call(payment::provider_call);
    task<void> call_back_about(std::string key);
    [[nodiscard]] static payment::provider_answer perform(payment_provider::books&, chance&, const payment::provider_call&);

    payment_provider::books& books_;
    chance& chance_;
    asio::any_io_executor home_;
    clock& clock_;
    const later far_;
    std::shared_ptr<bv::signal> ready_;
    std::deque<payment::provider_answer> answered_;
    scope calls_{"sim.provider"};
};

}  // namespace bv::sim
