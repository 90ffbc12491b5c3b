"""What the benches make of their figures: the regression gate, and pictures."""

import json
import subprocess
import sys
import xml.etree.ElementTree

import pytest

from conftest import ROOT

sys.path.append(str(ROOT / "bench"))

from lib import charts, figures, gate  # noqa: E402

BASELINE = {"edge": {"token": 1000.0, "trace": 2000.0}}


def test_the_gate_lets_a_fifth_pass_and_no_more():
    worse = gate.show(gate.compare({"edge": {"token": 1190.0, "trace": 2410.0}}, BASELINE))
    assert len(worse) == 1
    assert "edge: trace" in worse[0] and "2 000" in worse[0] and "2 410" in worse[0], "it names the bench, old and new"


def test_what_is_better_or_new_is_no_regression_and_what_vanished_is():
    assert gate.show(gate.compare({"edge": {"token": 1.0, "trace": 2000.0, "new": 5.0}}, BASELINE)) == []
    assert ["not measured any more" in line for line in gate.show(gate.compare({"edge": {"token": 1000.0}}, BASELINE))] == [True]


def test_the_baseline_is_kept_for_benches_that_were_not_run(tmp_path, monkeypatch):
    monkeypatch.setattr(gate, "BASELINE", tmp_path / "baseline.json")
    gate.write(BASELINE)
    gate.write({"json": {"read": 5.0}})
    assert json.loads((tmp_path / "baseline.json").read_text()) == {**BASELINE, "json": {"read": 5.0}}


def test_the_baseline_in_the_tree_is_of_benches_that_exist():
    assert all((ROOT / f"bench/benches/{name}.py").exists() for name in gate.read())


@pytest.mark.parametrize("values", [[1.0], [0.0, 0.0], [1e-4, 3.0, 2e6]])
def test_pictures_are_well_formed_whatever_the_figures(values):
    s = figures.summary(values)
    for svg in (charts.bars("a < b", "c & d", [("x", s), ("y", s)], reference=1.0), charts.curves("t", "s", [charts.Panel("p", [("n", [(1.0, s), (10.0, s)])], log_y=True)], log_x=True),
                charts.curves("t", "s", [charts.Panel("p", [("n", [(float(t), v) for t, v in enumerate(values)]), ("none", [(0.0, None)])])], marks=[(0, 1, "fault")])):
        xml.etree.ElementTree.fromstring(svg)
        assert "nan" not in svg


def bench(*arguments):
    return subprocess.run([ROOT / "bench/run", *arguments], capture_output=True, text=True, timeout=30, check=False)


def test_the_front_knows_its_benches():
    listed = {line.split()[0] for line in bench("--list").stdout.splitlines()}
    assert listed == {p.stem for p in (ROOT / "bench/benches").glob("[a-z]*.py")}
    unknown = bench("dance")
    assert unknown.returncode == 2 and "no bench dance" in unknown.stderr
