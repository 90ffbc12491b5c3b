"""The style as a test: what a reviewer would say every time is said here once."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LONGEST_FILE = 400

# Files that are longer, with the length they may not grow beyond. The list may only shrink.
LONG_FILES: dict[str, int] = {}

# Tests, and the worlds and fixtures that only they use.
TEST_ONLY = r".*_test\.cpp|.*world[a-z_]*\.hpp|.*/testing/"

# What, where it is allowed, and why it is not elsewhere.
BANNED = (
    (r"\bsystem_clock::now\(|\bsteady_clock::now\(|std::random_device", r"platform/core/|app/|bench/|tests/|.*_test\.cpp|platform/testing/",
     "time and randomness come through clock& and rng&"),
    (r"\basio::detached\b", r".*_test\.cpp", "a scope owns every spawned task"),
    (r"\bgetenv\(", r"platform/core/|app/|tests/|.*_test\.cpp|platform/testing/", "settings come through the configuration"),
    (r"\bstd::(mutex|shared_mutex|recursive_mutex)\b", r"platform/|app/|gateway/|verify/|sim/|bench/|codegen/|tests/|" + TEST_ONLY, "no mutex in domains"),
    (r"\b(TODO|FIXME|XXX|HACK)\b", r"platform/core/money", "do it, or leave it out"),  # in money, XXX is a currency
    (r"\b(system|popen)\(", r"tests/|.*_test\.cpp", "no shell"),
    (r"^using namespace (?!std::chrono_literals|std::literals|std::string_view_literals|std::string_literals)", r".*\.cpp", "not in a header"),
)


def files(*patterns: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
                            cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [f for f in listed if f and (ROOT / f).is_file() and not f.startswith("tests/arch/fixture/")]


def test_no_file_is_too_long():
    long = {}
    for name in files("*.cpp", "*.hpp", "*.py", "*.sh", "*.js"):
        lines = (ROOT / name).read_text(encoding="utf-8").count("\n")
        if lines > LONG_FILES.get(name, LONGEST_FILE):
            long[name] = lines
    assert long == {}


def test_the_list_of_long_files_only_shrinks():
    for name, allowed in LONG_FILES.items():
        lines = (ROOT / name).read_text(encoding="utf-8").count("\n")
        assert lines > LONGEST_FILE, f"{name} is short now: take it off the list"
        assert lines > allowed - 50, f"{name} has {lines} lines: lower its entry"


@pytest.mark.parametrize("pattern,allowed,why", BANNED, ids=[b[2] for b in BANNED])
def test_banned_calls(pattern, allowed, why):
    found = []
    for name in files("*.cpp", "*.hpp"):
        if re.match(allowed, name):
            continue
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").split("\n"), 1):
            if re.search(pattern, line.split("//")[0] if "TODO" not in pattern else line):
                found.append(f"{name}:{number}: {line.strip()}")
    assert found == [], why


def test_an_empty_catch_says_why():
    bare = [n for n in files("*.cpp", "*.hpp") if re.search(r"\bcatch \([^)]*\) \{\s*\}", (ROOT / n).read_text(encoding="utf-8"))]
    assert bare == []


def test_headers_say_what_they_are_for():
    bare = [n for n in files("*.hpp") if not (ROOT / n).read_text(encoding="utf-8").startswith("//")]
    assert bare == []


def test_headers_are_guarded():
    bare = [n for n in files("*.hpp") if not n.startswith("platform/pch/") and "#pragma once" not in (ROOT / n).read_text(encoding="utf-8")]
    assert bare == []


def test_no_secret_and_no_host_of_a_registry_is_committed():
    found = []
    for name in files():
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if re.search(r"-----BEGIN (RSA |EC )?PRIVATE KEY-----", text) and not name.startswith("tests/"):
            found.append(name)
        if name.endswith(("requirements.txt", ".lock")) and "://" in text:
            found.append(name)
    assert found == []


def test_files_of_tests_have_names_of_their_own():
    """pytest takes two modules of one name for the same one, when parts run together."""
    seen = {}
    for file in (ROOT / "tests").rglob("test_*.py"):
        assert file.name not in seen, f"{file.relative_to(ROOT)} and {seen[file.name].relative_to(ROOT)} have the same name"
        seen[file.name] = file
