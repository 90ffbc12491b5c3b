"""What every request gets at the edge: credentials, limits, headers, metrics."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import uuid

import pytest
import requests

from conftest import Client, Problem, final, place, wait_for


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def token_of(client):
    return client.session.headers["Authorization"].split()[1]


def metrics(platform):
    """{"name{labels}": value} of /metrics; that of the gateway where processes have the same."""
    found = [(m[1], float(m[2])) for m in re.finditer(r"^([a-z_]+(?:\{.*\})?) ([-+0-9.eEInfa]+)$", platform.metrics_text(), re.MULTILINE)]
    return dict(reversed(found))


def test_rate_errors_and_duration_are_counted_by_route(platform):
    shopper = platform.shopper()

    def count(status):
        return metrics(platform).get(f'bv_http_requests_total{{method="GET",route="/v1/orders/{{id}}",status="{status}"}}', 0)

    before, refused = count("4xx"), f'bv_http_request_seconds_count{{method="GET",route="/v1/orders/{{id}}"}}'
    timed = metrics(platform).get(refused, 0)
    for _ in range(3):
        with pytest.raises(Problem):
            shopper.get(f"/v1/orders/{uuid.uuid4()}")
    assert count("4xx") - before >= 3
    assert metrics(platform)[refused] - timed >= 3


@pytest.mark.parametrize("prefix", ["process_resident_memory_bytes", "bv_events_lag", "bv_pg_connections_open", "bv_cache_entries", "bv_circuit_state", "bv_saga_outcomes_total"])
def test_what_operators_watch_is_measured(platform, shop, prefix):
    shopper = platform.shopper()
    final(shopper, place(shopper, [(shop(1), 1)])["id"])
    assert [name for name in metrics(platform) if name.startswith(prefix)]


def test_labels_are_bounded(platform):
    for _ in range(3):
        requests.get(f"{platform.url}/v1/nothing/{uuid.uuid4()}", timeout=10)
    routes = {m for name in metrics(platform) for m in re.findall(r'route="([^"]*)"', name)}
    assert not [r for r in routes if re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", r)]


def test_every_answer_has_the_secure_headers_and_a_request_id(platform):
    for path, status in (("/", 200), ("/v1/products", 200), ("/v1/nothing", 404), ("/v1/accounts/me", 401)):
        answer = requests.get(platform.url + path, timeout=10)
        assert answer.status_code == status
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "default-src" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Request-Id"]
    given = requests.get(platform.url + "/livez", headers={"X-Request-Id": "mine-1"}, timeout=10)
    assert given.headers["X-Request-Id"] == "mine-1"
    odd = requests.get(platform.url + "/livez", headers={"X-Request-Id": "<script>"}, timeout=10)
    assert odd.headers["X-Request-Id"] != "<script>"


def test_answers_to_known_callers_are_not_kept_by_caches(platform):
    shopper = platform.shopper()
    assert "no-store" in shopper.session.get(platform.url + "/v1/accounts/me", timeout=10).headers["Cache-Control"]


def test_large_answers_are_compressed_when_asked(platform):
    answer = requests.get(platform.url + "/openapi.json", headers={"Accept-Encoding": "gzip"}, timeout=10)
    assert answer.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in answer.headers["Vary"]
    plain = requests.get(platform.url + "/openapi.json", headers={"Accept-Encoding": "identity"}, timeout=10)
    assert "Content-Encoding" not in plain.headers and plain.content == answer.content


def test_cors_is_for_the_origins_that_were_named(own_platform):
    p = own_platform("http.cors_origins=https://shop.example").start()
    ask = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    allowed = requests.options(p.url + "/v1/orders", headers=ask, timeout=10)
    assert allowed.status_code == 204
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "POST" in allowed.headers["Access-Control-Allow-Methods"] and "Idempotency-Key" in allowed.headers["Access-Control-Allow-Headers"]
    other = requests.options(p.url + "/v1/orders", headers={**ask, "Origin": "https://evil.example"}, timeout=10)
    assert "Access-Control-Allow-Origin" not in other.headers
    read = requests.get(p.url + "/v1/products", headers={"Origin": "https://shop.example"}, timeout=10)
    assert read.headers["Access-Control-Allow-Origin"] == "https://shop.example" and "Origin" in read.headers["Vary"]
    assert "ETag" in read.headers["Access-Control-Expose-Headers"]


def test_without_origins_no_other_site_may_read(platform):
    answer = requests.get(platform.url + "/v1/products", headers={"Origin": "https://shop.example"}, timeout=10)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_over_the_limit_is_429_and_says_when_to_come_back(own_platform):
    p = own_platform("limits.anonymous_per_minute=30").start()
    answers = [requests.get(p.url + "/v1/products", timeout=10) for _ in range(40)]
    assert answers[0].status_code == 200 and answers[0].headers["RateLimit-Limit"] == "30"
    assert int(answers[1].headers["RateLimit-Remaining"]) < int(answers[0].headers["RateLimit-Remaining"]) + 1
    refused = [a for a in answers if a.status_code == 429]
    assert refused and int(refused[0].headers["Retry-After"]) >= 1
    assert refused[0].headers["Content-Type"].startswith("application/problem+json")
    # Whoever has credentials has a limit of his own.
    assert p.operator().get("/v1/products")


def test_the_published_keys_verify_a_token(platform, tmp_path):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    token = token_of(platform.shopper())
    head, body, signature = token.split(".")
    header = json.loads(unpadded(head))
    assert header["alg"] == "EdDSA"
    keys = {k["kid"]: k for k in requests.get(platform.url + "/.well-known/jwks.json", timeout=10).json()["keys"]}
    der = bytes.fromhex("302a300506032b6570032100") + unpadded(keys[header["kid"]]["x"])  # RFC 8410
    files = {"key.der": der, "signed": f"{head}.{body}".encode(), "signature": unpadded(signature), "other": b"something else"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    def verifies(message):
        return subprocess.run([openssl, "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin", "-in", message, "-sigfile", "signature"],
                              cwd=tmp_path, capture_output=True, check=False).returncode == 0
    assert verifies("signed") and not verifies("other")


def test_the_key_id_is_the_thumbprint(platform):
    """RFC 7638."""
    for k in requests.get(platform.url + "/.well-known/jwks.json", timeout=10).json()["keys"]:
        digest = hashlib.sha256(f'{{"crv":"{k["crv"]}","kty":"{k["kty"]}","x":"{k["x"]}"}}'.encode()).digest()
        assert k["kid"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_tokens_of_the_old_key_stay_good_after_a_rotation(own_platform):
    p = own_platform().start()
    before = p.shopper()
    assert p.run("keys", "rotate").code == 0
    after = p.shopper()
    kids = [token_of(c).split(".")[0] for c in (before, after)]
    assert kids[0] != kids[1]
    assert before.get("/v1/accounts/me")["id"] == before.id and after.get("/v1/accounts/me")["id"] == after.id
    assert len(requests.get(p.url + "/.well-known/jwks.json", timeout=10).json()["keys"]) >= 2


def test_under_a_public_url_a_token_outlives_the_port(own_platform):
    p = own_platform("http.public_url=HTTPS://Shop.Example/").start()
    shopper = p.shopper()
    assert json.loads(unpadded(token_of(shopper).split(".")[1]))["iss"] == "https://shop.example"
    metadata = requests.get(p.url + "/.well-known/oauth-authorization-server", timeout=10).json()
    assert metadata["issuer"] == "https://shop.example" and metadata["jwks_uri"] == "https://shop.example/.well-known/jwks.json"
    assert requests.get(p.url + "/openapi.json", timeout=10).json()["servers"] == [{"url": "https://shop.example"}]
    assert "https://shop.example" in (p.folder / "up.out").read_text()
    assert p.run("status").code == 0, "the commands talk to where it listens"
    before = p.url
    p.stop()
    p.start()
    assert p.url != before
    assert p.client(token=token_of(shopper)).get("/v1/accounts/me")["id"] == shopper.id


def test_without_one_it_is_where_the_platform_listens(platform):
    assert json.loads(unpadded(token_of(platform.shopper()).split(".")[1]))["iss"] == platform.url
    assert requests.get(platform.url + "/openapi.json", timeout=10).json()["servers"] == [{"url": "/"}]


def test_a_public_url_that_is_none_is_refused_at_once(own_platform):
    done = own_platform().run("up", "--set", "http.public_url=shop.example")
    assert done.code != 0 and "http.public_url" in done.err and "https://shop.example" in done.err


def make_key(platform, roles):
    operator = platform.operator()
    made = operator.post("/v1/apiKeys", {"label": "made by a test", "roles": roles})
    return operator, made["apiKey"]["id"], made["secret"]


def test_an_api_key_works_until_it_is_revoked(platform):
    operator, key_id, secret = make_key(platform, ["stock_manager"])
    program = platform.client(api_key=secret)
    assert program.get("/v1/stock", pageSize=1) is not None
    assert secret not in operator.call("GET", "/v1/apiKeys", pageSize=200).__repr__()
    operator.call("DELETE", f"/v1/apiKeys/{key_id}")

    def refused():
        try:
            program.get("/v1/stock", pageSize=1)
        except Problem as e:
            return e.status == 401
        return False
    if platform.processes():
        wait_for(refused, 15)  # the gateway is told of it
    else:
        assert refused()


def test_a_program_trades_its_key_for_a_token(platform):
    _, key_id, secret = make_key(platform, ["stock_manager"])
    answer = requests.post(platform.url + "/oauth2/token", data={"grant_type": "client_credentials"}, auth=(key_id, secret), timeout=10)
    assert answer.status_code == 200 and answer.json()["token_type"].lower() == "bearer" and int(answer.json()["expires_in"]) > 0
    assert "no-store" in answer.headers["Cache-Control"]
    assert Client(platform.url, token=answer.json()["access_token"]).get("/v1/stock", pageSize=1) is not None
    wrong = requests.post(platform.url + "/oauth2/token", data={"grant_type": "client_credentials"}, auth=(key_id, "bvk_wrong"), timeout=10)
    assert wrong.status_code == 401 and wrong.json()["error"] == "invalid_client"
    odd = requests.post(platform.url + "/oauth2/token", data={"grant_type": "magic"}, auth=(key_id, secret), timeout=10)
    assert odd.status_code == 400 and odd.json()["error"] == "unsupported_grant_type"


def test_a_refresh_token_is_good_at_the_token_endpoint(platform):
    shopper = platform.shopper()
    answer = requests.post(platform.url + "/oauth2/token", data={"grant_type": "refresh_token", "refresh_token": shopper.refresh}, timeout=10)
    assert answer.status_code == 200, answer.text
    assert Client(platform.url, token=answer.json()["access_token"]).get("/v1/accounts/me")["id"] == shopper.id


def test_a_changed_password_ends_other_sessions(platform):
    shopper, anyone = platform.shopper(), platform.client()
    other = anyone.post("/v1/sessions", {"email": shopper.email, "password": shopper.password})
    shopper.post("/v1/accounts/me:changePassword", {"oldPassword": shopper.password, "newPassword": "another long pass phrase"})
    with pytest.raises(Problem) as refused:
        anyone.post("/v1/sessions:refresh", {"refreshToken": other["refreshToken"]})
    assert refused.value.status == 401
    assert anyone.post("/v1/sessions", {"email": shopper.email, "password": "another long pass phrase"})["accessToken"]
