// For tests: the part of the platform's API that a replay uses, in memory, with faults on demand. What it has accepted
// outlives a restart; its port does not.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "platform/net/http/client.hpp"
#include "platform/net/http/raw_client.hpp"

namespace bv::replay {

struct fake_order {
    std::string id, customer, reference, status, reason;
    std::map<std::string, std::int64_t> lines, returned;
    std::int64_t total = 0, refunded = 0;
    std::string created, updated;
};

class fake_platform {
public:
    fake_platform() { start(); }
    ~fake_platform() { stop(); }

    void start();
    void stop() { server_.reset(); port_ = 1; }
    [[nodiscard]] http::client_options where() const {
        http::client_options o;
        o.port = port_;
        o.connect_timeout = milliseconds(2'000);
        return o;
    }
    // Blocks until so many orders were accepted.
    void wait_for_orders(std::size_t);

    // Called before a request is handled, under the lock: an answer in its place. Set before the first request.
    std::function<std::optional<http::response>(const http::request&)> instead;
    // Whether the answer of a request that was handled is lost.
    std::function<bool(const http::request&)> loses_answer;
    // How many times an order is read as still reserved before its outcome is told.
    int looks_until_final = 0;

    // Read when no request is in flight.
    std::map<std::string, fake_order> orders;  // by id
    std::map<std::string, std::int64_t> stock, prices;
    std::map<std::string, std::string> names, accounts;
    std::vector<std::string> return_keys;
    std::map<std::string, int> requests;       // by "POST /v1/orders"
    int doubled = 0;                           // a second order for an invoice, a second return under one number

private:
    http::response handle(const http::request&);
    http::response route(const http::request&, const boost::json::value& body);
    http::response upsert(const boost::json::value&);
    http::response receive(const boost::json::value&);
    http::response import(const boost::json::value&);
    http::response place(const boost::json::value&);
    http::response give_back(const std::string& id, const boost::json::value&);
    http::response read(const std::string& id);
    http::response list(const http::request&);
    http::response daily();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::pair<std::string, http::response>> answers_;  // by key: body, answer
    std::set<std::string> received_, returned_;
    std::map<std::string, int> looks_;
    std::unique_ptr<http::testing::running_server> server_;
    std::atomic<std::uint16_t> port_{1};
};

}  // namespace bv::replay
