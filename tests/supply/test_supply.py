"""What the project brings into the world besides its own code: libraries with their licences, and no secrets."""

import json
import os
import pathlib
import subprocess
import tomllib

import pytest
import sbom
from detect_secrets import SecretsCollection
from detect_secrets.settings import transient_settings

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BV_BUILD", ROOT / "build/release"))

# Words like "password" are everywhere in a platform with log-ins; what is looked for are keys by their form and by their
# entropy.
DETECTORS = ("AWSKeyDetector", "AzureStorageKeyDetector", "Base64HighEntropyString", "BasicAuthDetector", "DiscordBotTokenDetector",
             "GitHubTokenDetector", "GitLabTokenDetector", "HexHighEntropyString", "JwtTokenDetector", "MailchimpDetector", "NpmDetector",
             "OpenAIDetector", "PrivateKeyDetector", "PypiTokenDetector", "SendGridDetector", "SlackDetector", "StripeDetector",
             "TelegramBotTokenDetector", "TwilioKeyDetector")
FILTERS = ("is_sequential_string", "is_potential_uuid", "is_likely_id_string", "is_templated_secret")
# Digests of packages, and inputs that a fuzzer made.
GENERATED = ("bench/peers/fastify/package-lock.json", "tests/fuzz/corpus/")
# Strings that look like keys and are none, each with what it is.
NO_SECRETS = {
    "app/replay/plan_test.cpp": "a digest of a file",
    "domains/identity/model/password_policy.cpp": "passwords that nobody may choose",
    "platform/security/crypto_test.cpp": "test vectors of RFC 4231",
    "platform/security/jwt_test.cpp": "test vectors of RFC 8037",
    "app/stack/public_url_test.cpp": "an example of a URL with a password",
    "tests/e2e/test_commands.py": "an example of a URL with a password",
}


@pytest.fixture(scope="session")
def table():
    return tomllib.loads(sbom.LICENCES.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def found():
    return sbom.packages(BUILD)


def test_every_library_has_a_licence_under_which_it_may_be_linked(found, table):
    assert sbom.objections(found, table) == []
    assert {"libpq5", "libssl3", "libprotobuf32"} <= {p.name for p in found if p.direct}
    assert "libboost1.83-dev" in {p.name for p in found if not p.linked}, "headers count, too"


def test_the_list_of_licences_names_nothing_that_is_not_there(found, table):
    sources = {p.source for p in found}
    assert {s for part in table.values() for s in part} - sources == set()


def test_a_library_without_a_fit_licence_is_found(table):
    unknown = sbom.Package("libodd1", "1.0", "odd", True, True)
    strict = sbom.Package("libstrict1", "1.0", "strict", True, True)
    said = sbom.objections([unknown, strict], {"linked": {"strict": "GPL-3.0-only"}, "headers": {}})
    assert len(said) == 2
    assert "libodd1" in said[0] and "copyright" in said[0]
    assert "GPL-3.0-only" in said[1]


def test_the_bill_of_materials_is_spdx_and_whole(found, table):
    made = json.loads(json.dumps(sbom.document(BUILD / "app/bitvelocity", found, table)))
    assert made["spdxVersion"] == "SPDX-2.3"
    ids = [p["SPDXID"] for p in made["packages"]]
    assert len(set(ids)) == len(ids) == len(found) + 1
    assert {r["relatedSpdxElement"] for r in made["relationships"]} == set(ids)


def secrets_in(folder: pathlib.Path, names: list[str]) -> set[str]:
    with transient_settings({"plugins_used": [{"name": d} for d in DETECTORS],
                             "filters_used": [{"path": f"detect_secrets.filters.heuristic.{f}"} for f in FILTERS]}):
        collection = SecretsCollection(root=str(folder))
        for name in names:
            collection.scan_file(name)
        return {f"{name}:{secret.line_number}: {secret.type}" for name, secret in collection if not is_an_alphabet(secret.secret_value)}


def is_an_alphabet(text: str | None) -> bool:
    return "abcdefghijklmnopqrstuvwxyz" in (text or "").lower()


def test_no_secret_is_committed():
    names = [n for n in subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
             if n and (ROOT / n).is_file() and not n.startswith(GENERATED)]
    said = secrets_in(ROOT, names)
    assert sorted(s for s in said if s.split(":")[0] not in NO_SECRETS) == []
    assert set(NO_SECRETS) <= {s.split(":")[0] for s in said}, "take what looks like no secret any more off the list"


def test_a_secret_would_be_found(tmp_path):
    (tmp_path / "settings.yaml").write_text("token: ghp_" + "Zz9Yy8Xx7" * 4 + "\n")
    (tmp_path / "key.pem").write_text("-----BEGIN EC " + "PRIVATE KEY-----\nMHcCAQEE\n")
    assert {s.split(":")[0] for s in secrets_in(tmp_path, ["settings.yaml", "key.pem"])} == {"settings.yaml", "key.pem"}
