"""Every mutation of tests/mutants still applies to the sources, so that `./bv test mutants` tests what it says."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/mutants"))
from mutants import MUTANTS  # noqa: E402


@pytest.mark.parametrize("mutant", MUTANTS, ids=[m.name for m in MUTANTS])
def test_the_mutation_applies(mutant):
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.find) == 1
    assert mutant.find != mutant.replace


def test_the_tests_that_catch_what_no_simulation_sees_are_there():
    sources = "".join(p.read_text(encoding="utf-8") for folder in ("platform", "domains", "gateway", "app") for p in (ROOT / folder).rglob("*")
                      if p.name.endswith(("_test.cpp", "_contract.hpp")))
    for m in (m for m in MUTANTS if m.test):
        suite, name = (part.strip("*") for part in m.test[1].split("."))
        assert any(f"{declared}{name}" in sources for declared in (f"{suite}, ", "LEASE_TEST(", "JOB_TEST(")), f"{m.name}: {m.test[1]}"


def test_names_are_unique_and_memory_adapters_name_the_test_of_the_real_ones():
    assert len({m.name for m in MUTANTS}) == len(MUTANTS)
    assert [m.name for m in MUTANTS if "/memory_" in m.file and not m.real] == []
