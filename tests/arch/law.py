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
    may: tuple[str, ...]          # project headers it may include: prefixes, or patterns with *; {service} is put in
    never: tuple[str, ...] = ()   # prefixes of any header it must not include, project's or system's
    why: str = ""


PROJECT = ("platform/", "domains/", "gateway/", "app/", "verify/", "sim/", "codegen/", "tests/", "bench/", "bitvelocity/")
MODULES = ("domains/*/module.hpp", "domains/*/*/module.hpp")  # a service's only header for others
# domains/<domain>/<service>; what serves every domain stands directly under domains/.
SERVICE = r"(?P<service>domains/(?:(?:identity|audit)|(?!identity/|audit/)[a-z_]+/[a-z_]+))"
# Tests and what only they use: worlds, fixtures.
TEST_ONLY = r"/(?:.*/)?(?:[a-z0-9_]+_(?:test|fuzz)\.cpp|[a-z0-9_]*world[a-z0-9_]*\.hpp|backend\.hpp|testing/.*)"
HEAVY = ("boost/asio.hpp", "boost/beast", "libpq", "openssl/")

RULES = (
    Rule(r"platform/core/.*_(?:test|fuzz)\.cpp", ("platform/core/", "platform/testing/fake_clock.hpp", "platform/testing/fuzz.hpp", "platform/testing/memory_file.hpp")),
    Rule(r"platform/core/.*", ("platform/core/",), why="core is the bottom: it includes nothing of the project but itself"),
    Rule(r"platform/telemetry/.*", ("platform/core/", "platform/telemetry/", "platform/testing/"), why="telemetry is used by all, and knows core only"),
    Rule(r"platform/runtime/.*", ("platform/core/", "platform/telemetry/", "platform/runtime/", "platform/testing/"), why="the runtime knows no protocol and no store"),
    Rule(r"platform/.*", ("platform/", "codegen/", "bitvelocity/test/"), why="the platform knows no domain"),
    Rule(SERVICE + r"/model/.*", ("{service}/model/", "platform/core/"),
         ("boost/asio", "boost/beast", "libpq", "google/protobuf", "platform/core/task.hpp"),
         "a model is pure: no I/O, no Asio, no Protobuf"),
    Rule(SERVICE + TEST_ONLY, ("{service}/", "platform/", "bitvelocity/", "domains/audit/module.hpp"),
         why="a service's tests know no other service, but the audit trail, whose triggers every schema has"),
    Rule(SERVICE + r"/app/.*",
         ("{service}/model/", "{service}/app/", "platform/core/", "platform/cache/", "platform/events/", "platform/rpc/", "platform/resilience/",
          "platform/runtime/", "platform/telemetry/", "platform/security/", "platform/storage/unit_of_work.hpp", "platform/jobs/job_queue.hpp", "bitvelocity/"),
         HEAVY + ("platform/storage/postgres/",),
         "use cases see ports, not stores or sockets"),
    Rule(SERVICE + r"/.*", ("{service}/", "platform/", "bitvelocity/"),
         why="a service never includes another service's code: it calls its contract or consumes its events"),
    Rule(r"gateway/.*", ("gateway/", "platform/", "bitvelocity/"), why="the edge knows contracts, not services"),
    Rule(r"verify" + TEST_ONLY, ("verify/", "platform/", "bitvelocity/", "domains/"), why="the checker's tests make a world of services, and nothing above them"),
    Rule(r"verify/.*", ("verify/", "platform/", "bitvelocity/") + MODULES, why="the checker reads the stores; of services it may use the module only"),
    Rule(r"sim/.*", ("sim/", "platform/", "bitvelocity/", "domains/*/*/wiring.hpp", "domains/*/*/app/*", "domains/*/*/adapters/memory_*", "domains/commerce/order/model/decide.hpp", "domains/commerce/payment/provider/books.hpp", "verify/order_book.hpp"),
         why="the simulation wires services over memory stores, knows no other adapter, and checks by the laws of verify and of the order itself"),
    Rule(r"app/.*", ("app/", "verify/", "sim/plan_file.hpp", "sim/run.hpp", "sim/search.hpp", "gateway/", "platform/", "bitvelocity/", "domains/commerce/payment/provider/provider.hpp") + MODULES,
         why="the composition root sees a service's module only"),
    Rule(r"codegen/.*", ("codegen/", "platform/", "bitvelocity/"), why="the generator knows contracts, not services"),
    Rule(r"tests/clang_tidy/.*", (), why="a plug-in of clang-tidy, and the bugs that it must leave to be found"),
    Rule(r"tests/fuzz/.*", ("platform/",), why="what runs the fuzzers' targets knows none of them"),
    Rule(r"tests/interop/.*", ("platform/", "grpc/testing/"), why="the interoperability tests know the platform's gRPC, and their own service"),
    Rule(r"bench/.*", PROJECT),
)


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
            elif kind == '"' and header.startswith(PROJECT) and not any(allows(p.format(service=service), header) for p in rule.may):
                out.append(f"{name}: includes {header}: {rule.why or 'not among ' + ', '.join(rule.may)}")
    return out


def allows(entry: str, header: str) -> bool:
    return bool(re.fullmatch(entry.replace("*", "[^/]+"), header)) if "*" in entry else header.startswith(entry)


def rule_of(name: str) -> tuple[Rule | None, str]:
    for rule in RULES:
        m = re.fullmatch(rule.files, name)
        if m:
            return rule, m.groupdict().get("service") or ""
    return None, ""
