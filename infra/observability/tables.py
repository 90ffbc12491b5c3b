"""What is watched, as tables: objectives, alerts and dashboard panels. render.py makes Prometheus' rules and Grafana's dashboards of them.

Times are those of production; render.py can shorten them all by one factor, for a drill.
"""

import dataclasses

FAILED = 'status="5xx"'
IN_TIME = 'le="0.2"'  # the objective's 200 ms


def of_api(metric, *more):
    return metric + "{" + ",".join(('route=~"/v1/.*"', *more)) + "}"


def rate(series, window="5m"):
    return f"rate({series}[{window}])"


# Objective: name, its share of good requests, and the share of bad ones over a window.
OBJECTIVES = {
    "availability": (0.999, lambda w: f"sum({rate(of_api('bv_http_requests_total', FAILED), w)}) / sum({rate(of_api('bv_http_requests_total'), w)})"),
    "latency": (0.99, lambda w: f"1 - sum({rate(of_api('bv_http_request_seconds_bucket', IN_TIME), w)}) / sum({rate(of_api('bv_http_request_seconds_count'), w)})"),
}
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
# The SRE Workbook's multi-window burn rates: (burn rate, long window, short window, severity). Of a budget of 30 days they spend 2, 5, 10 and 10 %.
BURN_RATES = ((14.4, "1h", "5m", "critical"), (6, "6h", "30m", "critical"), (3, "1d", "2h", "warning"), (1, "3d", "6h", "warning"))


@dataclasses.dataclass(frozen=True)
class Alert:
    name: str
    expression: str
    lasting: str
    severity: str  # critical: somebody is called. warning: looked at on the next working day
    summary: str


ALERTS = (
    Alert("PlatformDown", 'up{job="bitvelocity"} == 0', "1m", "critical", "{{ $labels.instance }} does not answer its scrape"),
    Alert("EventLag", "bv_events_lag > 1000 and delta(bv_events_lag[5m]) > 0", "5m", "warning",
          "group {{ $labels.group }} is {{ $value }} events behind {{ $labels.source }} and falls back further"),
    Alert("EventDeliveryHeld", "bv_events_horizon_stalled_seconds > 5", "1m", "critical", "events of {{ $labels.source }} wait for a transaction that stays open"),
    Alert("DeadLetters", "increase(bv_events_dead_letters_total[15m]) > 0", "0m", "critical", "group {{ $labels.group }} set events of {{ $labels.source }} aside"),
    # Of one store, whoever counts: each process of the service says the same.
    Alert("JobsDead", "max by (queue) (bv_jobs_dead) > 0", "0m", "warning", "{{ $value }} jobs of queue {{ $labels.queue }} were given up"),
    Alert("JobsOverdue", "max by (queue) (bv_jobs_overdue_seconds) > 60", "5m", "warning", "a job of queue {{ $labels.queue }} is due for {{ $value | humanizeDuration }} and no worker takes it"),
    Alert("ReconciliationFindings", "increase(bv_payment_reconciliation_findings_total[1h]) > 0", "0m", "critical",
          "our books and the payment provider's disagree: {{ $labels.kind }}"),
    # Open or half-open: it tries every few seconds, and those moments would begin the two minutes anew.
    Alert("PaymentProviderAway", 'bv_circuit_state{dependency="payment_provider"} > 0', "2m", "critical", "calls to the payment provider fail; its circuit is open"),
    Alert("ConnectionsExhausted", "min_over_time(bv_pg_callers_waiting[1m]) > 0", "2m", "warning", "callers of database role {{ $labels.database }} wait for a connection"),
    Alert("CertificateExpires", 'bv_certificate_expiry_timestamp_seconds{certificate="http"} - time() < 14 * 86400', "0m", "warning",
          "the certificate that {{ $labels.instance }} shows its clients ends in {{ $value | humanizeDuration }}"),
    Alert("IdentityNotRenewed", 'bv_certificate_expiry_timestamp_seconds{certificate="peers"} - time() < 300', "0m", "critical",
          "{{ $labels.instance }} was not given its next certificate; in {{ $value | humanizeDuration }} nobody of the platform talks to it"),
    Alert("DiskFills", "bv_disk_free_bytes / bv_disk_size_bytes < 0.1", "1m", "critical", "the disk of {{ $labels.instance }} has {{ $value | humanizePercentage }} left"),
    Alert("ProcessRestarts", 'changes(process_start_time_seconds{job="bitvelocity"}[15m]) > 2', "0m", "warning", "{{ $labels.instance }} was started again and again"),
    Alert("RedisAway", "bv_redis_connections == 0", "2m", "warning", "{{ $labels.instance }} does without Redis"),
    Alert("TelemetryLost", "increase(telemetry_export_dropped_total[15m]) > 0", "0m", "warning", "{{ $labels.signal }} were lost: {{ $labels.reason }}"),
)


@dataclasses.dataclass(frozen=True)
class Panel:
    title: str
    unit: str  # Grafana's
    queries: tuple[tuple[str, str], ...]  # (legend, expression)


def quantile(q, buckets, *by):
    return f"histogram_quantile({q}, sum by ({', '.join(('le', *by))}) ({rate(buckets)}))"


DASHBOARDS = {
    "golden-signals": ("Golden signals", (
        Panel("Requests", "reqps", (("{{route}}", f"sum by (route) ({rate(of_api('bv_http_requests_total'))})"),)),
        Panel("Answers by class", "reqps", (("{{status}}", f"sum by (status) ({rate(of_api('bv_http_requests_total'))})"),)),
        Panel("Latency, 99 %", "s", (("{{route}}", quantile(0.99, of_api("bv_http_request_seconds_bucket"), "route")),)),
        Panel("Latency, median", "s", (("{{route}}", quantile(0.5, of_api("bv_http_request_seconds_bucket"), "route")),)),
        Panel("Error budget burnt, 1 hour (1: as fast as allowed)", "short", (("availability", "bv:api_availability:bad_ratio_1h / 0.001"), ("latency", "bv:api_latency:bad_ratio_1h / 0.01"))),
        Panel("CPU", "percentunit", (("{{instance}}", "rate(process_cpu_seconds_total[5m])"),)),
        Panel("Memory", "bytes", (("{{instance}}", "process_resident_memory_bytes"),)),
        Panel("Refused by rate limits", "reqps", (("{{limit}}", "rate(bv_rate_limited_total[5m])"),)),
    )),
    "business": ("Business", (
        Panel("Orders placed a minute", "short", (("placed", "60 * sum(rate(bv_orders_placed_total[5m]))"),)),
        Panel("Sold an hour, minor units", "short", (("{{currency}}", "3600 * sum by (currency) (rate(bv_orders_sold_minor_units_total[15m]))"),)),
        Panel("Of the orders that end, confirmed", "percentunit",
              (("confirmed", 'sum(rate(bv_saga_outcomes_total{outcome="confirmed"}[15m])) / sum(rate(bv_saga_outcomes_total[15m]))'),)),
        Panel("Why others are cancelled", "short", (("{{outcome}}", 'sum by (outcome) (increase(bv_saga_outcomes_total{outcome!~"confirmed|returned"}[1h]))'),)),
        Panel("Product reads a second", "reqps", (("reads", 'sum(rate(bv_http_requests_total{route="/v1/products/{sku}"}[5m]))'),)),
        Panel("Accounts made an hour", "short", (("accounts", 'sum(increase(bv_http_requests_total{route="/v1/accounts",method="POST",status="2xx"}[1h]))'),)),
    )),
    "orders": ("Orders and their saga", (
        Panel("Orders placed", "reqps", (("placed", "rate(bv_orders_placed_total[5m])"),)),
        Panel("How orders end", "reqps", (("{{outcome}}", "sum by (outcome) (rate(bv_saga_outcomes_total[5m]))"),)),
        Panel("Placed to the end", "s", (("median, {{outcome}}", quantile(0.5, "bv_saga_duration_seconds_bucket", "outcome")), ("99 %, {{outcome}}", quantile(0.99, "bv_saga_duration_seconds_bucket", "outcome")))),
        Panel("Payment operations", "reqps", (("{{kind}} {{outcome}}", "sum by (kind, outcome) (rate(bv_payment_operations_total[5m]))"),)),
        Panel("Payment provider, 99 %", "s", (("provider", quantile(0.99, "bv_payment_provider_seconds_bucket")),)),
        Panel("Findings of the reconciliation", "short", (("{{kind}}", "bv_payment_reconciliation_findings_total"),)),
    )),
    "events": ("Events", (
        Panel("Lag", "short", (("{{group}} of {{source}}", "bv_events_lag"),)),
        Panel("Append to commit at the consumer, 99 %", "s", (("{{group}}", quantile(0.99, "bv_events_delivery_seconds_bucket", "group")),)),
        Panel("Delivery held", "s", (("{{source}}", "bv_events_horizon_stalled_seconds"),)),
        Panel("Consumed", "eps", (("{{group}}", "sum by (group) (rate(bv_events_consumed_total[5m]))"),)),
        Panel("Dead letters", "short", (("{{group}}", "bv_events_dead_letters_total"),)),
        Panel("Jobs that wait, and that were given up", "short", (("{{queue}}, waiting", "max by (queue) (bv_jobs_waiting)"), ("{{queue}}, dead", "max by (queue) (bv_jobs_dead)"))),
        Panel("The job that is due longest", "s", (("{{queue}}", "max by (queue) (bv_jobs_overdue_seconds)"),)),
        Panel("Batches that failed", "eps", (("{{group}}", "sum by (group) (rate(bv_events_batch_failures_total[5m]))"),)),
        Panel("Spans and log lines lost", "eps", (("{{signal}}: {{reason}}", "rate(telemetry_export_dropped_total[5m])"),)),
    )),
    "services": ("Services", (
        Panel("Spans a second", "eps", (("{{service_name}}", "sum by (service_name) (rate(spans_calls_total[5m]))"),)),
        Panel("Spans that failed", "eps", (("{{service_name}}", 'sum by (service_name) (rate(spans_calls_total{status_code="STATUS_CODE_ERROR"}[5m]))'),)),
        Panel("Served, 99 %", "s", (("{{service_name}}", quantile(0.99, 'spans_duration_seconds_bucket{span_kind="SPAN_KIND_SERVER"}', "service_name")),)),
        Panel("Calls to others, 99 %", "s", (("{{service_name}}", quantile(0.99, 'spans_duration_seconds_bucket{span_kind="SPAN_KIND_CLIENT"}', "service_name")),)),
        Panel("Events processed, 99 %", "s", (("{{service_name}}", quantile(0.99, 'spans_duration_seconds_bucket{span_kind="SPAN_KIND_CONSUMER"}', "service_name")),)),
        Panel("Spans taken by the collector", "eps", (("{{instance}}", "sum by (instance) (rate(otelcol_receiver_accepted_spans_total[5m]))"),)),
        Panel("Parcels that wait for a store of traces", "short", (("{{exporter}}", "sum by (exporter) (otelcol_exporter_queue_size)"),)),
    )),
    "stores": ("Stores and caches", (
        Panel("Connections busy", "short", (("{{database}}", "bv_pg_connections_busy"),)),
        Panel("Callers in line", "short", (("{{database}}", "bv_pg_callers_waiting"),)),
        Panel("Statements, 99 %", "s", (("{{database}}", quantile(0.99, "bv_pg_statement_seconds_bucket", "database")),)),
        Panel("Statement errors", "eps", (("{{database}}", "sum by (database) (rate(bv_pg_statement_errors_total[5m]))"),)),
        Panel("Requests a batch", "short", (("{{batcher}}", "rate(bv_batched_requests_total[5m]) / rate(bv_batches_total[5m])"),)),
        Panel("Cache hits", "percentunit", (("{{cache}}", "rate(bv_cache_hits_total[5m]) / (rate(bv_cache_hits_total[5m]) + rate(bv_cache_misses_total[5m]))"),)),
        Panel("Room left on the disk", "percentunit", (("{{instance}}", "bv_disk_free_bytes / bv_disk_size_bytes"),)),
        Panel("Cache size", "bytes", (("{{cache}}", "bv_cache_bytes"),)),
    )),
}
