"""The dashboard: what a person sees of it, and each of its queries asked of a Prometheus that scrapes real gateways."""

import json
import math
from typing import Any

import pytest

from tests.helm.monitoring import promql, served
from tests.helm.monitoring.dashboard import DASHBOARD, text
from tests.helm.monitoring.stage import LABELS, Stage
from tests.support.processes import wait_until
from tests.support.prometheus import Sample

_SHOWN: dict[str, Any] = json.loads(DASHBOARD.read_text())
_PANELS = [panel for panel in _SHOWN["panels"] if panel["type"] != "row"]
_QUERIES = [
    pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
    for panel in _PANELS
    for target in panel["targets"]
]
_VARIABLES = [variable for variable in _SHOWN["templating"]["list"] if variable["type"] == "query"]
# Prometheus' own.
_OWN = {"ALERTS": served.TARGET_LABELS | {"alertname", "alertstate"}}


def filled(query: str, **chosen: str) -> str:
    """A query as Grafana sends it: with what is chosen, all where nothing is."""
    values = {"namespace": ".*", "job": ".*", "tenant": ".*", "__rate_interval": "2m", "__range": "5m", **chosen}
    for name, value in values.items():
        query = query.replace(f"${name}", value)
    assert "$" not in query, query
    return query


def test_it_is_made_from_its_table() -> None:
    assert DASHBOARD.read_text() == text(), "run scripts/dashboard"


def test_grafana_can_show_it() -> None:
    assert (_SHOWN["uid"], _SHOWN["title"], _SHOWN["schemaVersion"]) == ("housestyle", "Housestyle", 39)
    ids = [panel["id"] for panel in _SHOWN["panels"]]
    assert len(set(ids)) == len(ids)
    assert _SHOWN["templating"]["list"][0]["type"] == "datasource"
    for panel in _PANELS:
        assert panel["datasource"]["uid"] == "${datasource}"
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0


def test_no_panel_lies_on_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in _SHOWN["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("panel", _PANELS, ids=lambda panel: panel["title"])
def test_a_panel_explains_itself(panel: dict[str, Any]) -> None:
    assert len(panel["description"]) > 40
    assert panel["description"].endswith((".", "?"))
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert [one["type"] for one in panel["fieldConfig"]["defaults"]["mappings"]][-1] == "special", "0 / 0 has words"
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert steps[0]["value"] is None
    assert [step["value"] for step in steps[1:]] == sorted(step["value"] for step in steps[1:])


@pytest.mark.parametrize("query", _QUERIES)
def test_a_query_names_what_is_served(query: str, stage: Stage) -> None:
    known = served.series(stage.exposition()) | _OWN
    found = promql.names(filled(query))
    assert found.selected
    for metric, labels in found.selected:
        assert metric in known
        assert labels <= known[metric], metric
    assert found.listed <= frozenset().union(*(known[metric] for metric in found.metrics))


@pytest.mark.parametrize("chosen", [{}, LABELS], ids=["all", "chosen"])
@pytest.mark.parametrize("query", _QUERIES)
def test_a_query_is_answered(query: str, chosen: dict[str, str], stage: Stage) -> None:
    samples = stage.prometheus.ask(filled(query, **chosen), stage.at)
    assert any(math.isfinite(sample.value) for sample in samples), samples


@pytest.mark.parametrize("query", [query for query in _QUERIES if "$tenant" in str(query.values[0])])
def test_a_tenant_can_be_chosen(query: str, stage: Stage) -> None:
    mine = stage.prometheus.ask(filled(query, tenant=stage.tuned.name), stage.at)
    assert mine
    assert {sample.labels.get("tenant", stage.tuned.name) for sample in mine} == {stage.tuned.name}


@pytest.mark.parametrize("variable", _VARIABLES, ids=lambda variable: variable["name"])
def test_a_variable_has_values(variable: dict[str, Any], stage: Stage) -> None:
    selector, label = filled(variable["definition"]).removeprefix("label_values(").removesuffix(")").rsplit(", ", 1)
    values = stage.prometheus.values(label, selector)
    assert values == [LABELS[variable["name"]]] if variable["name"] in LABELS else stage.tuned.name in values


def test_figures_are_those_of_the_calls(stage: Stage) -> None:
    """A query that is answered may still say something else than its title does."""
    found = {panel["title"]: filled(panel["targets"][0]["expr"]) for panel in _PANELS}

    def ask(title: str) -> list[Sample]:
        return stage.prometheus.ask(found[title], stage.at)

    assert [sample.value for sample in ask("Replicas")] == [2]
    assert [sample.value for sample in ask("Every replica follows the store")] == [1]
    assert {sample.labels["reason"] for sample in ask("Calls by reason")} >= {
        "active_job",
        "no_active_job",
        "opted_out",
        "pinned_fine_tune",
        "foreign_fine_tune",
        "fallback_stock",
    }
    shares = {sample.labels["tenant"]: sample.value for sample in ask("Fine-tuned share by tenant")}
    assert 0.5 < shares[stage.tuned.name] < 1
    assert shares[stage.plain.name] == shares[stage.refused.name] == 0
    retired = {sample.labels["tenant"]: sample.value for sample in ask("Days until an active model is retired")}
    assert set(retired) == {stage.tuned.name, stage.refused.name}
    assert all(4 <= days <= 6 for days in retired.values())
    assert {sample.labels["error"] for sample in ask("Upstream errors")} >= {"503"}
    wait_until(lambda: stage.prometheus.number(found["Revision skew"]) == 0, what="both replicas at one revision")
