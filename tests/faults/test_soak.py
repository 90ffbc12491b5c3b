"""The soak: what it calls a drift, and a short one from end to end."""

import json
import random
import subprocess
import sys
import xml.etree.ElementTree

import pytest
import soak_run
from drift import drift

from conftest import ROOT


def samples(hours, per_hour, noise, seed=3):
    chance = random.Random(seed)
    return [(t, 100 + per_hour * t / 3600 + chance.gauss(0, noise)) for t in range(0, int(3600 * hours), 5)]


def test_a_leak_is_seen_through_noise():
    found = drift(samples(hours=1, per_hour=40, noise=10))
    assert found.low > 20 and found.low < 40 < found.high
    assert found.surely_grew() > 20


def test_noise_is_no_drift():
    found = drift(samples(hours=1, per_hour=0, noise=10))
    assert found.low < 0 < found.high and found.surely_grew() == 0


def test_too_few_samples_say_nothing():
    assert drift([(t, 1.0) for t in range(10)]) is None


@pytest.mark.parametrize("name,bound", soak_run.BOUNDS.items())
def test_growth_beyond_its_bound_fails_the_soak(name, bound):
    def found(per_hour):
        rows = [{"at": t, "pid": 7, name: v} for t, v in samples(1, per_hour, bound / 20)]
        return {"problems": [], "verify": {"code": 0, "output": ""}, "drift": soak_run.drifts_of(rows, [])}
    assert soak_run.judged(found(0)) == []
    (failure,) = soak_run.judged(found(3 * bound))
    assert "grew by at least" in failure


def test_a_lost_order_and_a_violation_fail_the_soak():
    found = {"problems": ["order 1 was acknowledged and is not there"], "verify": {"code": 1, "output": "stock.balance"}, "drift": {}}
    assert len(soak_run.judged(found)) == 2


def test_a_restart_begins_the_drift_anew():
    rows = [{"at": t, "pid": 1 if t < 1800 else 2, "memory_mb": 300 if t < 1800 else 100} for t in range(0, 3600, 5)]
    assert soak_run.drifts_of(rows, [])["memory_mb"]["per_hour"] == 0


def test_a_short_soak_ends_well_and_leaves_its_picture(tmp_path):
    done = subprocess.run([sys.executable, ROOT / "tests/faults/soak.py", "--for", "20s", "--seed", "11", "--out", tmp_path], capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "soak.json").read_text())
    assert found["orders"] > 8 and found["faults"] and found["failures"] == []
    xml.etree.ElementTree.parse(tmp_path / "soak.svg")
