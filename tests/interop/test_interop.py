"""gRPC as its authors test it: their interoperability cases both ways, HTTP/2 by h2spec, and the tools that people use."""

import json
import re
import subprocess
import uuid

import pytest

from conftest import wait_for
from programs import go_programs, gos_server, own_client, own_server

# All of Google's cases but those that need credentials of a cloud, or several servers behind a resolver.
CASES = ("empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream", "timeout_on_sleeping_server", "cancel_after_begin",
         "cancel_after_first_response", "status_code_and_message", "special_status_message", "custom_metadata", "unimplemented_method", "unimplemented_service")
ORCA = ("orca_per_rpc", "orca_oob")  # load reports, which Google's client hands to a balancer of its own


@pytest.fixture(scope="module")
def programs():
    return go_programs()


@pytest.fixture(scope="module")
def port():
    with own_server() as p:
        yield p


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "chain.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=interop.test",
                    "-addext", "subjectAltName=DNS:interop.test", "-out", str(chain), "-keyout", str(key)], check=True, capture_output=True)
    with own_server(chain, key) as p:
        yield p, chain


@pytest.fixture(scope="module")
def theirs(programs):
    with gos_server(programs) as p:
        wait_for(lambda: subprocess.run([programs / "grpcurl", "-plaintext", f"127.0.0.1:{p}", "list"], capture_output=True, check=False).stderr.find(b"refused") < 0)
        yield p


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, check=False, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("case", CASES)
def test_googles_client_against_our_server(programs, port, case):
    run(programs / "client", "--server_host=127.0.0.1", f"--server_port={port}", f"--test_case={case}")


@pytest.mark.parametrize("case", ORCA)
def test_googles_balancer_by_our_servers_reports(programs, port, case):
    balancer = '{"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}'
    run(programs / "client", "--server_host=127.0.0.1", f"--server_port={port}", f"--test_case={case}", f"--service_config_json={balancer}")


@pytest.mark.parametrize("case", ["large_unary", "ping_pong", "client_streaming", "custom_metadata"])
def test_googles_client_against_our_server_over_tls(programs, secure, case):
    port, chain = secure
    run(programs / "client", "--use_tls", "--use_test_ca", f"--ca_file={chain}", "--server_host_override=interop.test", "--server_host=127.0.0.1", f"--server_port={port}", f"--test_case={case}")


@pytest.mark.parametrize("case", CASES + ORCA)
def test_our_client_against_googles_server(theirs, case):
    own_client(theirs, case)


@pytest.mark.parametrize("case", CASES + ORCA)
def test_our_client_against_our_server(port, case):
    own_client(port, case)


def h2spec(programs, port, *more):
    """The numbers of its tests, and of those the names that failed."""
    report = subprocess.run([programs / "h2spec", "-h", "127.0.0.1", "-p", str(port), "-o", "3", *more], capture_output=True, text=True, timeout=300, check=False).stdout
    summary = re.search(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", report)
    assert summary, report
    return int(summary[1]), set(re.findall(r"× \d+: (.*)", report[report.find("Failures:"):]) if summary[4] != "0" else [])


def test_h2spec_over_tls(programs, secure):
    assert h2spec(programs, secure[0], "-t", "-k") == (145, set())


def test_h2spec_in_the_clear(programs, port):
    # HTTP/1.1 is spoken on the same port: what does not begin as HTTP/2 is a request of that, and is answered so.
    assert h2spec(programs, port) == (145, {"Sends invalid connection preface"})


def test_grpcurl_places_an_order(programs, platform):
    shopper, address = platform.shopper(), platform.url.removeprefix("http://")
    token = "authorization: " + shopper.session.headers["Authorization"]
    assert "bitvelocity.commerce.order.v1.OrderService" in run(programs / "grpcurl", "-plaintext", address, "list")
    body = {"lines": [{"sku": "KIT-KETTLE-17", "quantity": 1}], "currency": "GBP", "paymentMethod": "card_ok"}
    placed = json.loads(run(programs / "grpcurl", "-plaintext", "-H", token, "-H", f"idempotency-key: {uuid.uuid4()}", "-d", json.dumps(body), address,
                            "bitvelocity.commerce.order.v1.OrderService/PlaceOrder"))
    assert shopper.get("/v1/orders/" + placed["id"])["id"] == placed["id"]


def test_grpcurl_streams_a_catalogue(programs, platform):
    key, address, sku = platform.secret("dev.operator.api_key"), platform.url.removeprefix("http://"), "G-" + uuid.uuid4().hex[:10]
    lines = "".join(json.dumps({"product": {"sku": s, "name": "Streamed", "prices": [{"currency": "GBP", "minorUnits": "100"}]}}) for s in (sku, "not a sku!", sku + "2"))
    said = json.loads(run(programs / "grpcurl", "-plaintext", "-H", f"x-api-key: {key}", "-d", "@", address, "bitvelocity.commerce.product.v1.ProductImportService/ImportProducts", input=lines))
    assert (said["created"], said["refused"], said["refused_lines"][0]["line"]) == ("2", "1", "2"), said
    assert platform.operator().get("/v1/products/" + sku)["sku"] == sku


def test_answers_have_a_load_report_where_a_gateway_is_told_to(programs, platform, own_platform):
    def trailers(p):
        said = run(programs / "grpcurl", "-v", "-plaintext", "-d", '{"sku": "KIT-KETTLE-17"}', p.url.removeprefix("http://"), "bitvelocity.commerce.product.v1.ProductService/GetProduct")
        return said.split("Response trailers received:")[1]
    assert "endpoint-load-metrics-bin" not in trailers(platform)
    assert "endpoint-load-metrics-bin: " in trailers(own_platform("http.load_reports=true").start())


def test_ghz_reads_products(programs, platform):
    report = json.loads(run(programs / "ghz", "--insecure", "--call", "bitvelocity.commerce.product.v1.ProductService/GetProduct", "-d", '{"sku": "KIT-KETTLE-17"}', "-n", "500", "-c", "8", "-O", "json",
                            platform.url.removeprefix("http://")))
    assert report["statusCodeDistribution"] == {"OK": 500}, report["errorDistribution"]
