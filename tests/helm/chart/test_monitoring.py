"""Alert rules and dashboards: what lies in the chart's folders comes out whole."""

from pathlib import Path

import yaml

from tests.support.helm import CHART, VALUES, find, render

EVALUATION = VALUES["evaluation"]


def test_rules_and_dashboards_are_those_in_the_charts_folders(tmp_path: Path) -> None:
    """Whatever lies there: none, or some, with templates of their own that Helm must leave alone."""
    chart = tmp_path / "helm"
    for path in CHART.rglob("*"):
        if path.is_file() and path.relative_to(CHART).parts[0] not in ("rules", "dashboards"):
            (chart / path.relative_to(CHART)).parent.mkdir(parents=True, exist_ok=True)
            (chart / path.relative_to(CHART)).write_bytes(path.read_bytes())
    on = {"prometheusRule": {"enabled": True}, "dashboards": {"enabled": True}}
    assert not {"PrometheusRule", "ConfigMap"} & {one["kind"] for one in render(EVALUATION, on, chart=chart)}
    (chart / "rules").mkdir()
    (chart / "dashboards").mkdir()
    group = {
        "name": "g",
        "rules": [{"alert": "A", "expr": "up == 0", "annotations": {"summary": "{{ $value }} of {{ $labels.x }}"}}],
    }
    (chart / "rules" / "a.yaml").write_text(yaml.safe_dump({"groups": [group]}))
    (chart / "rules" / "b.yaml").write_text(yaml.safe_dump({"groups": [group | {"name": "h"}]}))
    (chart / "dashboards" / "d.json").write_text('{"title": "{{ legend }}"}')
    documents = render(EVALUATION, on, {}, chart=chart)
    assert find(documents, "PrometheusRule", "")["spec"]["groups"] == [group, group | {"name": "h"}]
    made = find(documents, "ConfigMap", "-dashboards")
    assert made["data"] == {"d.json": '{"title": "{{ legend }}"}'}
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert not {"PrometheusRule", "ConfigMap"} & {one["kind"] for one in render(EVALUATION, chart=chart)}


def test_alerts_say_whose_they_are_and_where_to_read_on() -> None:
    [made] = [one for one in render(VALUES["production"]) if one["kind"] == "PrometheusRule"]
    rules = [rule for group in made["spec"]["groups"] for rule in group["rules"]]
    for rule in rules:
        assert rule["labels"]["team"] == "platform"
        assert rule["labels"]["severity"] in ("critical", "warning")
        place = f"https://git.example.com/housestyle/docs/alerts.md#{rule['alert'].lower()}"
        assert rule["annotations"]["runbook_url"] == place
    [absent] = [rule["expr"] for rule in rules if rule["alert"] == "HousestyleAbsent"]
    assert absent == 'absent(housestyle_build_info{namespace="llm",service="trial-housestyle-admin"})'


def test_what_ships_is_what_lies_in_the_folders() -> None:
    """The rules and dashboards of this checkout come out whole."""
    documents = render(EVALUATION, {"prometheusRule": {"enabled": True}, "dashboards": {"enabled": True}})
    shipped = {path.name: path.read_text() for path in (CHART / "dashboards").glob("*.json")}
    made = [one["data"] for one in documents if one["kind"] == "ConfigMap"]
    assert made == ([shipped] if shipped else [])
    groups = [
        group
        for path in sorted((CHART / "rules").glob("*.yaml"))
        for group in yaml.safe_load(path.read_text())["groups"]
    ]
    rules = [one["spec"]["groups"] for one in documents if one["kind"] == "PrometheusRule"]
    assert rules == ([groups] if groups else [])
