// Where finished spans go. The process's trace store is one exporter; a collector's protocol is another.
#pragma once

#include <memory>
#include <span>

#include "platform/telemetry/span_record.hpp"

namespace bv::telemetry {

class span_exporter {
public:
    virtual ~span_exporter() = default;
    // Called from any recording thread, also at once from several: quick, never blocks on I/O (an exporter to the network
    // copies the pointers to its own bounded queue). What it throws is dropped with the batch.
    virtual void export_spans(std::span<const finished_span>) = 0;
};

// Spans that finish from now on also go there. Thread-safe.
void add_span_exporter(std::shared_ptr<span_exporter>);
// A batch in delivery on another thread may still reach it.
void remove_span_exporter(const span_exporter*);

// Spans wait in a buffer per thread until 64 are there. This hands over those of every thread: called before a query and at
// shutdown. Thread-safe.
void flush_spans();

}  // namespace bv::telemetry
