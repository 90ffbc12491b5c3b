#include "app/replay/csv.hpp"

namespace bv::replay {

int csv_reader::get() {
    if (at_ == buffer_.size()) {
        buffer_.clear();
        at_ = 0;
        if (!source_.read(buffer_) || buffer_.empty()) return -1;
    }
    const char c = buffer_[at_++];
    if (c == '\n') ++next_line_;
    return static_cast<unsigned char>(c);
}

bool csv_reader::next(std::vector<std::string>& fields) {
    fields.clear();
    broken_ = false;
    line_ = next_line_;
    std::string field;
    bool quoted = false, any = false;
    for (;;) {
        const int c = get();
        if (c < 0) {
            broken_ = quoted;
            if (!any) return false;
            fields.push_back(std::move(field));
            return true;
        }
        if (quoted) {
            if (c != '"') {
                field += static_cast<char>(c);
                continue;
            }
            quoted = false;  // the end, or the first half of a doubled quote
            const int after = get();
            if (after == '"') {
                field += '"';
                quoted = true;
                continue;
            }
            if (after < 0) continue;
            --at_;
            if (after == '\n') --next_line_;
            continue;
        }
        if (c == '\n') {
            if (!any) {  // an empty line
                line_ = next_line_;
                continue;
            }
            fields.push_back(std::move(field));
            return true;
        }
        any = true;
        if (c == '"' && field.empty()) quoted = true;
        else if (c == ',') fields.push_back(std::move(field)), field.clear();
        else if (c != '\r') field += static_cast<char>(c);
    }
}

}  // namespace bv::replay
