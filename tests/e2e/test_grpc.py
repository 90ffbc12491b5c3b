"""gRPC as others speak it: Google's own client, which learns the contracts by reflection."""

import struct
import uuid

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

from conftest import wait_for

ORDERS = "bitvelocity.commerce.order.v1.OrderService"


@pytest.fixture(scope="module")
def channel(platform):
    with grpc.insecure_channel(platform.url.removeprefix("http://"), options=[("grpc.enable_retries", 0)]) as c:
        yield c


@pytest.fixture(scope="module")
def contracts(channel):
    return DescriptorPool(ProtoReflectionDescriptorDatabase(channel))


def call(channel, contracts, method, body, **metadata):
    """The answer and its metadata; `method` is "package.Service.Method"."""
    service, name = method.rsplit(".", 1)
    about = contracts.FindServiceByName(service).FindMethodByName(name)
    request, answer = GetMessageClass(about.input_type), GetMessageClass(about.output_type)
    rpc = channel.unary_unary(f"/{service}/{name}", request_serializer=request.SerializeToString, response_deserializer=answer.FromString)
    return rpc.with_call(request(**body), timeout=30, metadata=[(k.replace("_", "-"), v) for k, v in metadata.items()])


def of_shopper(shopper):
    return {"authorization": shopper.session.headers["Authorization"]}


def test_tools_learn_the_contracts_and_the_health(channel):
    services = ProtoReflectionDescriptorDatabase(channel).get_services()
    assert {ORDERS, "bitvelocity.identity.v1.IdentityService", "grpc.health.v1.Health"} <= set(services)
    health = health_pb2_grpc.HealthStub(channel)
    for service in "", ORDERS:
        assert health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as refused:
        health.Check(health_pb2.HealthCheckRequest(service="no.such.Service"), timeout=10)
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND


def test_an_order_over_grpc_is_the_order_over_rest(platform, channel, contracts):
    shopper, key = platform.shopper(), str(uuid.uuid4())
    sku = shopper.get("/v1/products")["products"][0]["sku"]
    body = {"lines": [{"sku": sku, "quantity": 2}], "currency": "GBP", "payment_method": "card_ok"}
    placed, _ = call(channel, contracts, ORDERS + ".PlaceOrder", body, idempotency_key=key, **of_shopper(shopper))
    again, _ = call(channel, contracts, ORDERS + ".PlaceOrder", body, idempotency_key=key, **of_shopper(shopper))
    assert again.id == placed.id
    rest = wait_for(lambda: (o := shopper.get(f"/v1/orders/{placed.id}"))["status"] == "ORDER_STATUS_CONFIRMED" and o, 30)
    assert len(shopper.get("/v1/orders")["orders"]) == 1
    got, about = call(channel, contracts, ORDERS + ".GetOrder", {"id": placed.id}, **of_shopper(shopper))
    assert got.version == int(rest["version"]) and got.total.minor_units == int(rest["total"]["minorUnits"])
    assert dict(about.initial_metadata())["etag"] == str(got.version)


def test_refusals_have_their_details(platform, channel, contracts):
    with pytest.raises(grpc.RpcError) as refused:
        call(channel, contracts, ORDERS + ".PlaceOrder", {})
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(grpc.RpcError) as refused:
        call(channel, contracts, ORDERS + ".PlaceOrder", {"currency": "GBP"}, idempotency_key=str(uuid.uuid4()), **of_shopper(platform.shopper()))
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    details = {d.type_url.rsplit(".", 1)[1]: d for d in rpc_status.from_call(refused.value).details}
    fields = error_details_pb2.BadRequest.FromString(details["BadRequest"].value)
    assert any(v.field.startswith("lines") for v in fields.field_violations)
    assert error_details_pb2.ErrorInfo.FromString(details["ErrorInfo"].value).reason
    with pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary(f"/{ORDERS}/Nothing")(b"", timeout=10)
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_messages_may_be_compressed(platform, contracts):
    shopper = platform.shopper()
    with grpc.insecure_channel(platform.url.removeprefix("http://"), compression=grpc.Compression.Gzip) as c:
        products, _ = call(c, contracts, "bitvelocity.commerce.product.v1.ProductService.ListProducts", {"page_size": 50}, **of_shopper(shopper))
    assert len(products.products) > 5


REPORTS = "/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics"


def first_report(channel):
    """Its bytes: an OrcaLoadReport."""
    for report in channel.unary_stream(REPORTS)(b"", timeout=10):
        return report


def report_of(bytes_):
    """{field: double} of an OrcaLoadReport that has only those."""
    assert len(bytes_) % 9 == 0 and all(bytes_[at] & 7 == 1 for at in range(0, len(bytes_), 9)), bytes_
    return {bytes_[at] >> 3: struct.unpack("<d", bytes_[at + 1:at + 9])[0] for at in range(0, len(bytes_), 9)}


def test_a_gateway_says_how_busy_it_is_where_it_is_told_to(channel, own_platform):
    """On the stream; Google's C++ and Python clients keep the trailers to themselves (tests/interop)."""
    cpu, calls_per_second = 1, 6
    with pytest.raises(grpc.RpcError) as refused:
        first_report(channel)
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
    telling = own_platform("http.load_reports=true").start()
    with grpc.insecure_channel(telling.url.removeprefix("http://")) as c:
        def busy():
            telling.client().get("/v1/products", pageSize=1)
            report = report_of(first_report(c))
            return report if calls_per_second in report else None
        report = wait_for(busy)  # of the last whole second
        assert 0 < report[cpu] < 1.5 and report[calls_per_second] > 0
