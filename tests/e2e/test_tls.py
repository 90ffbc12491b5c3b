"""The platform over HTTPS: with a certificate of the test's own, and with files that cannot be used."""

import socket
import ssl
import subprocess

import pytest
import requests

from conftest import BINARY


def certificate(folder, name="localhost", alternative="DNS:localhost,IP:127.0.0.1"):
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName={alternative}", "-out", str(chain), "-keyout", str(key)], check=True, capture_output=True)
    return chain, key


def settings(chain, key):
    return f"http.tls_certificate={chain}", f"http.tls_key={key}"


@pytest.fixture
def secure(own_platform, tmp_path):
    chain, key = certificate(tmp_path)
    p = own_platform(*settings(chain, key)).start()
    p.chain = str(chain)
    return p


def handshake(p, version):
    context = ssl.create_default_context(cafile=p.chain)
    context.minimum_version = ssl.TLSVersion.TLSv1  # else this side refuses
    context.maximum_version = version
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", p.state()["port"]), timeout=10) as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
        return tls.version()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_https_is_served_and_everything_else_refused(secure):
    p = secure
    assert p.url.startswith("https://")
    answer = requests.get(p.url + "/v1/products", verify=p.chain, timeout=10)
    assert answer.status_code == 200
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(p.url + "/v1/products", timeout=10)  # nobody vouches for the certificate

    plain = requests.get(p.url.replace("https", "http") + "/v1/products", timeout=10, allow_redirects=False)
    assert plain.status_code == 400 and "https://" in plain.json()["detail"]
    assert plain.headers["Connection"] == "close"

    assert handshake(p, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    assert handshake(p, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    with pytest.raises(ssl.SSLError):
        handshake(p, ssl.TLSVersion.TLSv1_1)


def test_the_commands_trust_the_platforms_own_certificate(own_platform, tmp_path):
    p = own_platform(*settings(*certificate(tmp_path, "shop.example", "DNS:shop.example"))).start()
    status = p.run("status")
    assert status.code == 0 and "https://" in status.out, status
    demo = p.run("demo", "--fast")
    assert demo.code == 0, demo.out + demo.err
    p.verified()


@pytest.mark.parametrize("spoil,said", [
    (lambda chain, key: (chain, key.with_name("none.key")), "cannot use the private key"),
    (lambda chain, key: (key, key), "cannot use the certificate chain"),
    (lambda chain, key: (chain, certificate(key.parent, "other")[1]), "cannot use the private key"),
    (lambda chain, key: (chain, ""), "only one of the two files is given"),
])
def test_files_that_cannot_be_used_are_told_before_anything_starts(tmp_path, spoil, said):
    chain, key = spoil(*certificate(tmp_path))
    done = subprocess.run([BINARY, "up", "--port", "0", "--data-dir", str(tmp_path / "data"), "--set", f"http.tls_certificate={chain}", "--set", f"http.tls_key={key}"],
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 2, done
    assert said in done.stderr
    assert not (tmp_path / "data/postgres/pgdata").exists()
