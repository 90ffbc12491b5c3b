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
    """The fixture is a small tree that breaks each rule; its lines marked `illegal` are found, and no others."""
    files = [str(p.relative_to(FIXTURE)) for p in FIXTURE.rglob("*.[ch]pp")]
    expected = set()
    for name in files:
        for line in (FIXTURE / name).read_text(encoding="utf-8").splitlines():
            if line.endswith("// illegal"):
                expected.add(f"{name}: includes {law.INCLUDE.match(line).group(2)}")
    found = law.violations(FIXTURE, files)
    assert len(found) == len(expected), found
    for line in expected:
        assert any(f.startswith(line + ": ") for f in found), (line, found)


def test_each_rule_is_broken_in_the_fixture():
    files = [str(p.relative_to(FIXTURE)) for p in FIXTURE.rglob("*.[ch]pp")]
    broken = {id(law.rule_of(v.split(": ")[0])[0]) for v in law.violations(FIXTURE, files)}
    assert [r.files for r in law.RULES if id(r) not in broken and r.may != law.PROJECT] == []


def test_a_file_outside_the_law_is_found(tmp_path):
    (tmp_path / "misc").mkdir()
    (tmp_path / "misc/stray.cpp").write_text("")
    assert law.violations(tmp_path, ["misc/stray.cpp"]) == ["misc/stray.cpp: no rule of tests/arch/law.py covers this file"]


def test_only_the_composition_root_links_services():
    """CMake keeps the law too: a service's target may not link another service's."""
    import re
    services = {p.parent.name for p in (ROOT / "domains").rglob("CMakeLists.txt") if p.parent.name != "domains"}
    for cmake in (ROOT / "domains").rglob("CMakeLists.txt"):
        own = cmake.parent.name
        words = set(re.findall(r"\b[a-z_]+\b", re.sub(r"TEST_DEPS[^)]*", "", re.sub(r"#.*", "", cmake.read_text()))))
        strangers = {f"{s}{suffix}" for s in services - {own} for suffix in ("_model", "_app", "_adapters", "")} & words
        assert not strangers, f"{cmake.relative_to(ROOT)} names {strangers}"
