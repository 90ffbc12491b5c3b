import pathlib
import subprocess

import law

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURE = pathlib.Path(__file__).resolve().parent / "fixture"


def sources() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.cpp", "*.hpp"],
                            cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [f for f in listed if not f.startswith("tests/arch/fixture/") and (ROOT / f).exists()]


def test_the_tree_keeps_the_dependency_law():
    assert law.violations(ROOT, sources()) == []


def test_the_law_covers_the_tree():
    assert len(sources()) > 100


def test_illegal_includes_are_found():
    files = [str(p.relative_to(FIXTURE)) for p in FIXTURE.rglob("*.[ch]pp")]
    found = law.violations(FIXTURE, files)
    for broken in ("basket.hpp: includes boost/asio.hpp", "basket.hpp: includes platform/storage/postgres/database.hpp",
                   "fill_basket.cpp: includes domains/shop/basket/adapters/postgres_baskets.hpp",
                   "fill_basket.cpp: includes platform/storage/postgres/database.hpp",
                   "postgres_baskets.cpp: includes domains/shop/till/module.hpp",
                   "listener.cpp: includes domains/shop/basket/module.hpp"):
        assert any(broken in line for line in found), (broken, found)
    assert len(found) == 6


def test_only_the_composition_root_links_services():
    """CMake keeps the law too: a service's target may not link another service's."""
    import re
    services = {p.parent.name for p in (ROOT / "domains").rglob("CMakeLists.txt") if p.parent.name != "domains"}
    for cmake in (ROOT / "domains").rglob("CMakeLists.txt"):
        own = cmake.parent.name
        words = set(re.findall(r"\b[a-z_]+\b", re.sub(r"TEST_DEPS[^)]*", "", re.sub(r"#.*", "", cmake.read_text()))))
        strangers = {f"{s}{suffix}" for s in services - {own} for suffix in ("_model", "_app", "_adapters", "")} & words
        assert not strangers, f"{cmake.relative_to(ROOT)} names {strangers}"
