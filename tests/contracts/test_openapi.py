"""The OpenAPI document is valid, complete, and the one that the platform serves."""

import json
import pathlib
import re

import pytest
import requests
import schemathesis

from conftest import BUILD, ROOT

PROTO = ROOT / "contracts/proto/bitvelocity"
RPC = re.compile(r"\brpc (\w+)\s*\([^)]*\)\s*returns\s*\([^)]*\)\s*(\{|;)")
BINDING = re.compile(r"\b(get|put|post|delete|patch):\s*\"([^\"]+)\"")


def body_at(text, opening):
    """From an opening brace to its closing one."""
    depth = 0
    for i in range(opening, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return text[opening:i + 1]
    raise AssertionError("unbalanced braces")


def operations():
    """(service, method, verb, path) of each binding in the contracts."""
    out = []
    for file in sorted(PROTO.rglob("*.proto")):
        text = re.sub(r"//[^\n]*", "", file.read_text(encoding="utf-8"))
        for service in re.finditer(r"\bservice (\w+) \{", text):
            block = body_at(text, service.end() - 1)
            for rpc in RPC.finditer(block):
                options = body_at(block, rpc.end() - 1) if rpc.group(2) == "{" else ""
                out += [(service.group(1), rpc.group(1), verb, path) for verb, path in BINDING.findall(options)]
    return out


@pytest.fixture(scope="module")
def served(platform):
    answer = requests.get(platform.url + "/openapi.json", timeout=10)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("application/json")
    return answer.json()


def test_the_document_is_valid_openapi_3_1(served):
    assert served["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(served).validate()


def test_validation_bites(served):
    broken = json.loads(json.dumps(served))
    next(iter(broken["paths"].values()))["get"]["parameters"] = "none"
    with pytest.raises(Exception):
        schemathesis.openapi.from_dict(broken).validate()


def test_the_platform_serves_what_the_contracts_generate(served):
    generated = pathlib.Path(BUILD) / "contracts/openapi.json"
    if not generated.exists():
        pytest.skip(f"the build in {BUILD} has no contracts/openapi.json")
    assert served == json.loads(generated.read_text(encoding="utf-8"))


def test_every_operation_of_the_contracts_is_in_the_document(served):
    expected = {(f"{service}_{method}", verb) for service, method, verb, _ in operations()}
    found = {(o["operationId"], verb) for verbs in served["paths"].values() for verb, o in verbs.items()}
    assert len(expected) > 40
    assert found == expected


def test_every_operation_says_what_it_is_for(served):
    for path, verbs in served["paths"].items():
        for verb, o in verbs.items():
            assert o["summary"] and o["tags"] and "security" in o, (verb, path)


def test_every_reference_resolves(served):
    def references(node):
        if isinstance(node, dict):
            yield from [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            for v in node.values():
                yield from references(v)
        elif isinstance(node, list):
            for v in node:
                yield from references(v)
    for reference in set(references(served)):
        node = served
        for part in reference.removeprefix("#/").split("/"):
            assert part in node, reference
            node = node[part]


def test_the_readable_page_loads_the_document(platform):
    page = requests.get(platform.url + "/docs", timeout=10)
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
