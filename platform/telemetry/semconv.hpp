// The attribute names of this project's spans: OpenTelemetry's semantic conventions 1.27, and our own under "bv.".
#pragma once

#include <string_view>

namespace bv::telemetry::semconv {

// Resource
inline constexpr std::string_view service_name = "service.name";
inline constexpr std::string_view service_instance_id = "service.instance.id";
inline constexpr std::string_view service_version = "service.version";

// HTTP. Span names: "GET /v1/orders/{id}".
inline constexpr std::string_view http_request_method = "http.request.method";
inline constexpr std::string_view http_route = "http.route";  // the template, never the path: it has ids in it
inline constexpr std::string_view http_response_status_code = "http.response.status_code";
inline constexpr std::string_view http_request_body_size = "http.request.body.size";
inline constexpr std::string_view http_response_body_size = "http.response.body.size";
inline constexpr std::string_view url_scheme = "url.scheme";
inline constexpr std::string_view url_path = "url.path";
inline constexpr std::string_view server_address = "server.address";
inline constexpr std::string_view server_port = "server.port";
inline constexpr std::string_view network_protocol_version = "network.protocol.version";
inline constexpr std::string_view user_agent_original = "user_agent.original";

// Calls between services. Span names: "bitvelocity.commerce.order.v1.OrderService/PlaceOrder".
inline constexpr std::string_view rpc_system = "rpc.system";  // "in_process", "grpc"
inline constexpr std::string_view rpc_service = "rpc.service";
inline constexpr std::string_view rpc_method = "rpc.method";
inline constexpr std::string_view rpc_grpc_status_code = "rpc.grpc.status_code";

// Database. Span names: the statement's name, "order.append".
inline constexpr std::string_view db_system = "db.system";  // "postgresql"
inline constexpr std::string_view db_namespace = "db.namespace";
inline constexpr std::string_view db_operation_name = "db.operation.name";
inline constexpr std::string_view db_collection_name = "db.collection.name";
inline constexpr std::string_view db_query_text = "db.query.text";  // with parameters as $1
inline constexpr std::string_view db_response_returned_rows = "db.response.returned_rows";
inline constexpr std::string_view db_response_status_code = "db.response.status_code";  // SQLSTATE

// Messaging. Span names: "publish OrderPlaced", "process OrderPlaced".
inline constexpr std::string_view messaging_system = "messaging.system";  // "kafka", "rabbitmq"
inline constexpr std::string_view messaging_destination_name = "messaging.destination.name";
inline constexpr std::string_view messaging_destination_partition_id = "messaging.destination.partition.id";
inline constexpr std::string_view messaging_kafka_offset = "messaging.kafka.offset";
inline constexpr std::string_view messaging_rabbitmq_routing_key = "messaging.rabbitmq.destination.routing_key";
inline constexpr std::string_view messaging_operation_type = "messaging.operation.type";  // "publish", "process"
inline constexpr std::string_view messaging_consumer_group_name = "messaging.consumer.group.name";
inline constexpr std::string_view messaging_message_id = "messaging.message.id";
inline constexpr std::string_view messaging_batch_message_count = "messaging.batch.message_count";

// Errors and people
inline constexpr std::string_view error_type = "error.type";  // the reason of a bv::error, else the exception's type
inline constexpr std::string_view exception_message = "exception.message";
inline constexpr std::string_view enduser_id = "enduser.id";  // an account id, never a name

// This project's own
inline constexpr std::string_view event_type = "bv.event.type";
inline constexpr std::string_view event_key = "bv.event.key";
inline constexpr std::string_view event_position = "bv.event.position";
inline constexpr std::string_view order_id = "bv.order.id";
inline constexpr std::string_view payment_id = "bv.payment.id";
inline constexpr std::string_view saga_step = "bv.saga.step";
inline constexpr std::string_view saga_outcome = "bv.saga.outcome";
inline constexpr std::string_view attempt = "bv.attempt";
inline constexpr std::string_view batch_size = "bv.batch.size";
inline constexpr std::string_view cache_hit = "bv.cache.hit";
inline constexpr std::string_view queue_wait_ms = "bv.queue.wait_ms";
inline constexpr std::string_view request_id = "bv.request.id";

}  // namespace bv::telemetry::semconv
