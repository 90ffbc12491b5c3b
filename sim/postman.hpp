// Who hands e-mails to buyers: an address book that knows everybody, and a mail server whose letter boxes outlive every process.
#pragma once

#include <map>
#include <vector>

#include "domains/commerce/notification/app/ports.hpp"
#include "sim/chance.hpp"

namespace bv::sim {

// How often the e-mail of each notice has arrived.
using letter_boxes = std::map<notification::notice_id, int>;

class address_book final : public notification::contact_book {
public:
    task<std::vector<notification::contact>> find(const telemetry::span_context&, std::vector<notification::customer_id> customers) override {
        std::vector<notification::contact> out;
        for (const auto& c : customers) out.push_back({c, c.str() + "@example.com", "somebody"});
        co_return out;
    }
};

// Takes its time with each letter, so that its caller may end between any two, and now and then takes one later.
class mail_server final : public notification::mailer {
public:
    mail_server(letter_boxes& b, chance& c, clock& time) : boxes_(b), chance_(c), clock_(time) {}

    task<std::vector<result<void>>> send(std::vector<notification::mail> mails, steady_point deadline) override {
        std::vector<result<void>> out;
        for (const auto& m : mails) {
            co_await clock_.sleep_for(milliseconds(1 + chance_.random().below(20)));
            if (clock_.steady_now() >= deadline) out.emplace_back(fail(code::deadline_exceeded, "MAIL_DEADLINE", "it was not tried"));
            else if (chance_.random().below(8) == 0) out.emplace_back(fail(code::unavailable, "MAIL_LATER", "451 try again later"));
            else ++boxes_[m.id], out.emplace_back();
        }
        co_return out;
    }

private:
    letter_boxes& boxes_;
    chance& chance_;
    clock& clock_;
};

}  // namespace bv::sim
