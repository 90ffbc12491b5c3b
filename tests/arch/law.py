"""The dependency law, as data: which folder may include what.

`adapters, api -> app -> model -> platform/core`. A service never includes another service's code.
The first rule whose pattern matches a file is the one that holds for it.
"""

import dataclasses
import pathlib
import re

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Rule:
    files: str                    # full match on the path; named group "service" is the service's folder
    may: tuple[str, ...]          # prefixes of project headers it may include; {service} is put in
    never: tuple[str, ...] = ()   # prefixes of any header it must not include, project's or system's
    why: str = ""


PLATFORM = "platform/"
SERVICE = r"(?P<service>domains/(?:[a-z_]+/)?[a-z_]+)"
HEAVY = ("boost/asio.hpp", "boost/beast", "libpq", "openssl/")

RULES = (
    Rule(r"platform/core/.*_test\.cpp", ("platform/core/", "platform/testing/fake_clock.hpp")),
    Rule(r"platform/core/.*", ("platform/core/",), why="core is the bottom: it includes nothing of the project but itself"),
    Rule(r"platform/telemetry/.*", ("platform/core/", "platform/telemetry/", "platform/testing/")),
    Rule(r"platform/runtime/.*", ("platform/core/", "platform/telemetry/", "platform/runtime/", "platform/testing/")),
    Rule(r"platform/.*", ("platform/", "codegen/", "bitvelocity/test/"), why="the platform knows no domain"),
    Rule(SERVICE + r"/model/.*", ("{service}/model/", "platform/core/"),
         ("boost/asio", "boost/beast", "libpq", "google/protobuf", "platform/core/task.hpp"),
         "a model is pure: no I/O, no Asio, no Protobuf"),
    Rule(SERVICE + r"/app/.*_test\.cpp", ("{service}/", "platform/", "bitvelocity/")),
    Rule(SERVICE + r"/app/.*",
         ("{service}/model/", "{service}/app/", "platform/core/", "platform/events/", "platform/rpc/", "platform/resilience/",
          "platform/runtime/", "platform/telemetry/", "platform/security/", "platform/storage/unit_of_work.hpp", "bitvelocity/"),
         HEAVY + ("platform/storage/postgres/",),
         "use cases see ports, not stores or sockets"),
    Rule(SERVICE + r"/.*", ("{service}/", "platform/", "bitvelocity/"),
         why="a service never includes another service's code: it calls its contract or consumes its events"),
    Rule(r"gateway/.*", ("gateway/", "platform/", "bitvelocity/"), why="the edge knows contracts, not services"),
    Rule(r"(app|verify|bench|tests|codegen)/.*", ("app/", "verify/", "bench/", "tests/", "codegen/", "gateway/", "platform/", "domains/", "bitvelocity/")),
)

PROJECT = ("platform/", "domains/", "gateway/", "app/", "verify/", "codegen/", "tests/", "bench/", "bitvelocity/")


def violations(root: pathlib.Path, files: list[str]) -> list[str]:
    """What breaks the law, one line each: "file: includes X: why"."""
    out = []
    for name in sorted(files):
        rule, service = rule_of(name)
        if rule is None:
            out.append(f"{name}: no rule of tests/arch/law.py covers this file")
            continue
        text = (root / name).read_text(encoding="utf-8")
        for kind, header in INCLUDE.findall(text):
            if any(header.startswith(p) for p in rule.never):
                out.append(f"{name}: includes {header}: {rule.why}")
            elif kind == '"' and header.startswith(PROJECT) and not any(header.startswith(p.format(service=service)) for p in rule.may):
                out.append(f"{name}: includes {header}: {rule.why or 'not among ' + ', '.join(rule.may)}")
    return out


def rule_of(name: str) -> tuple[Rule | None, str]:
    for rule in RULES:
        m = re.fullmatch(rule.files, name)
        if m:
            return rule, m.groupdict().get("service") or ""
    return None, ""
