"""The alert rules: valid, each with its words and its page, tried on invented series and on real gateways."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.monitoring import promql, served
from tests.helm.monitoring.stage import ROOT, RULES, Stage
from tests.support.debian import Missing
from tests.support.processes import wait_until
from tests.support.prometheus import promtool

_TRIED = ROOT / "tests" / "helm" / "rules_test.yaml"
_PAGE = ROOT / "docs" / "alerts.md"
_ALERTS: dict[str, Any] = {
    rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
}
# Those that the stage brings about at once, and those that it may bring about with time.
_FIRES = {"HousestyleFallbacks"}
_MAY_FIRE = _FIRES | {"HousestyleJobsFailing", "HousestyleModelRetiresSoon", "HousestyleModelRetiresThisWeek"}


def _promtool(*arguments: str | Path) -> str:
    try:
        return promtool(*arguments)
    except Missing as missing:
        pytest.skip(f"no promtool: {missing}")


def test_promtool_takes_them() -> None:
    assert f"{len(_ALERTS)} rules found" in _promtool("check", "rules", RULES)


def test_they_fire_when_they_should() -> None:
    _promtool("test", "rules", _TRIED)


@pytest.mark.parametrize("alert", _ALERTS)
def test_each_is_tried_both_ways(alert: str) -> None:
    looks = [
        bool(look["exp_samples"])
        for test in yaml.safe_load(_TRIED.read_text())["tests"]
        for look in test["promql_expr_test"]
        if f'alertname="{alert}"' in look["expr"]
    ]
    assert set(looks) == {True, False}


@pytest.mark.parametrize("alert", _ALERTS)
def test_each_says_what_it_is(alert: str) -> None:
    rule = _ALERTS[alert]
    assert rule["labels"] in ({"severity": "critical"}, {"severity": "warning"})
    words = rule["annotations"]
    assert set(words) == {"summary", "description", "runbook_url"}
    assert words["runbook_url"] == f"docs/alerts.md#{alert.lower()}"
    assert words["description"].endswith(".")


@pytest.mark.parametrize("alert", _ALERTS)
def test_each_has_its_section(alert: str) -> None:
    section = _sections().get(alert, "")
    for part in ("**Means:**", "**Who notices:**", "**Do:**"):
        assert part in section
    severity = _ALERTS[alert]["labels"]["severity"]
    assert f"| [{alert}](#{alert.lower()}) | {severity} |" in _PAGE.read_text()


def test_no_section_is_of_an_alert_that_is_gone() -> None:
    assert list(_sections()) == re.findall(r"(?m)^\| \[(\w+)\]", _PAGE.read_text())
    assert set(_sections()) == set(_ALERTS)


@pytest.mark.parametrize("alert", _ALERTS)
def test_each_names_what_is_served(alert: str, stage: Stage) -> None:
    known = served.series(stage.exposition())
    found = promql.names(_ALERTS[alert]["expr"])
    assert found.selected
    for metric, labels in found.selected:
        assert metric in known
        assert labels <= known[metric], metric
    made = {"provider"} if "label_replace" in _ALERTS[alert]["expr"] else set()
    assert found.listed <= frozenset().union(made, *(known[metric] for metric in found.metrics))


def test_a_real_prometheus_evaluates_them(stage: Stage) -> None:
    wait_until(lambda: all(rule["health"] != "unknown" for rule in stage.prometheus.rules()), what="an evaluation")
    rules = {rule["name"]: rule for rule in stage.prometheus.rules()}
    assert set(rules) == set(_ALERTS)
    assert {name: rule.get("lastError") for name, rule in rules.items() if rule["health"] != "ok"} == {}


def test_what_has_happened_fires_and_nothing_else(stage: Stage) -> None:
    def firing() -> dict[str, Any]:
        found = [one for rule in stage.prometheus.rules() for one in rule["alerts"] if one["state"] == "firing"]
        return {one["labels"]["alertname"]: one for one in found}

    def fired() -> bool:
        """Whether what must fire does, while it goes on happening: the stage may be old by now."""
        stage.refused.say()
        return set(firing()) >= _FIRES

    wait_until(fired, what="the alert")
    assert set(firing()) <= _MAY_FIRE
    assert firing()["HousestyleFallbacks"]["annotations"]["summary"] == "A firm's own model is refused"


def _sections() -> dict[str, str]:
    """Title → text of the page's second-level sections."""
    parts = re.split(r"(?m)^## (.+)$", _PAGE.read_text())[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))
