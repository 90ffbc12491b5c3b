"""What stands in infra/observability is what its tables say, is well-formed, and does what it should on drawn series."""

import json
import re
import subprocess

import pytest
import yaml

from conftest import ROOT
from servers import INFRA, TOOLS, fetched

import render  # of infra/observability

RULES = [rule for group in yaml.safe_load((INFRA / "rules.yml").read_text())["groups"] for rule in group["rules"]]
ALERTS = sorted({rule["alert"] for rule in RULES if "alert" in rule})
ROUTES = (("PlatformDown", "critical", "on-call,escalation"), ("ApiLatencyBurns", "warning", "working-hours"), ("DeadLetters", "critical", "on-call,escalation"),
          ("EventLag", "warning", "working-hours"))


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def tools():
    fetched("prometheus", "alertmanager")


def test_the_files_are_those_of_the_tables():
    for name, text in render.files().items():
        assert (INFRA / name).read_text(encoding="utf-8") == text, f"{name} differs: run infra/observability/render.py"


def test_prometheus_accepts_them():
    run(TOOLS / "promtool", "check", "rules", INFRA / "rules.yml")
    run(TOOLS / "promtool", "check", "config", INFRA / "prometheus.yml")


def test_the_rules_do_what_they_should():
    run(TOOLS / "promtool", "test", "rules", INFRA / "rules_test.yml")


@pytest.mark.parametrize("alert,severity,receivers", ROUTES)
def test_alerts_reach_who_should_know(alert, severity, receivers):
    run(TOOLS / "amtool", "check-config", INFRA / "alertmanager.yml")
    run(TOOLS / "amtool", "config", "routes", "test", f"--config.file={INFRA}/alertmanager.yml", f"--verify.receivers={receivers}", f"alertname={alert}", f"severity={severity}")


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_is_tested_both_ways_and_has_a_runbook(alert):
    cases = [c for test in yaml.safe_load((INFRA / "rules_test.yml").read_text())["tests"] for c in test["alert_rule_test"] if c["alertname"] == alert]
    assert any(c["exp_alerts"] for c in cases), "nothing makes it fire"
    if alert not in ("EventLag", "ConnectionsExhausted", "ReconciliationFindings", "TelemetryLost"):  # theirs stands in the same case: another series that is silent
        assert any(not c["exp_alerts"] for c in cases), "nothing leaves it silent"
    text = (ROOT / f"docs/runbooks/{alert}.md").read_text(encoding="utf-8")
    assert re.findall(r"^#+ (.*)", text, re.MULTILINE) == [alert, "What it means", "How to see it", "How to mend it"]


def test_no_runbook_is_of_an_alert_that_is_gone():
    assert sorted(p.stem for p in (ROOT / "docs/runbooks").glob("*.md") if p.stem != "README") == ALERTS


@pytest.mark.parametrize("file", sorted((INFRA / "dashboards").glob("*.json")), ids=lambda p: p.stem)
def test_dashboards_are_whole(file):
    board = json.loads(file.read_text())
    assert re.fullmatch(r"bitvelocity-[a-z-]+", board["uid"]) and board["panels"]
    titles = [p["title"] for p in board["panels"]]
    assert len(set(titles)) == len(titles)
    cells = {(p["gridPos"]["x"], p["gridPos"]["y"]) for p in board["panels"]}
    assert len(cells) == len(titles), "no two panels on one place"
    for p in board["panels"]:
        assert p["fieldConfig"]["defaults"]["unit"] and p["targets"] and all(t["expr"] and t["legendFormat"] for t in p["targets"])
