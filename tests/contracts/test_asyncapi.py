"""The AsyncAPI document says which events there are, and is the one that the platform serves."""

import json
import pathlib
import re

import pytest
import requests

from conftest import BUILD, ROOT, final, place

PROTO = ROOT / "contracts/proto/bitvelocity"
EVENT = re.compile(r"\bmessage (\w+) \{\s*option \(bitvelocity\.options\.v1\.event_key\)")


@pytest.fixture(scope="module")
def served(platform):
    answer = requests.get(platform.url + "/asyncapi.json", timeout=10)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("application/json")
    return answer.json()


def contracts():
    """Full name of each event of the contracts."""
    out = set()
    for file in PROTO.rglob("events.proto"):
        text = file.read_text(encoding="utf-8")
        package = re.search(r"^package ([\w.]+);", text, re.MULTILINE)[1]
        out |= {f"{package}.{name}" for name in EVENT.findall(text)}
    return out


def test_every_event_of_the_contracts_is_in_one_channel(served):
    messages = served["components"]["messages"]
    assert {m["name"] for m in messages.values()} == contracts()
    in_channels = [ref["$ref"].rsplit("/", 1)[1] for channel in served["channels"].values() for ref in channel["messages"].values()]
    assert sorted(in_channels) == sorted(messages)


def test_the_platform_serves_what_the_contracts_generate(served):
    generated = pathlib.Path(BUILD) / "contracts/asyncapi.json"
    if not generated.exists():
        pytest.skip(f"the build in {BUILD} has no contracts/asyncapi.json")
    assert json.loads(generated.read_text(encoding="utf-8")) == served


def test_what_is_published_is_what_the_document_says(platform, shop, served):
    """After an order every event in the outboxes is one of its channel; only what a service keeps to itself (Stream…) is not."""
    client = platform.shopper()
    assert final(client, place(client, [(shop(stock=5), 1)])["id"])["status"] == "ORDER_STATUS_CONFIRMED"
    messages = served["components"]["messages"]
    for source, channel in served["channels"].items():
        known = {messages[ref["$ref"].rsplit("/", 1)[1]]["name"] for ref in channel["messages"].values()}
        published = {row[0] for row in platform.sql(f"SELECT DISTINCT type FROM {source}.outbox")}
        assert published, f"{source} published nothing"
        assert {t for t in published if not t.rsplit(".", 1)[1].startswith("Stream")} <= known

