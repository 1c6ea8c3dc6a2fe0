"""Makes the Grafana dashboard from its table: what stands once in `scripts/dashboard.yaml` becomes Grafana's JSON.

What a panel shows is decided in the table; here is only what Grafana wants said of each (dashboard schema 39, which
Grafana 10.4 and 11 read as it is). Run as a program it writes the chart's file.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "scripts" / "dashboard.yaml"
DASHBOARD = ROOT / "helm" / "dashboards" / "housestyle.json"
_SELECTED = 'namespace=~"$namespace",job=~"$job"'
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS = 24
_HEIGHTS = {"stat": 5}
_HEIGHT = 8
# A share, or a quantile, of no calls is none: 0 / 0.
_NO_NUMBER = {"type": "special", "options": {"match": "nan", "result": {"text": "none"}}}


def text() -> str:
    """The dashboard's file."""
    return json.dumps(dashboard(yaml.safe_load(TABLE.read_text())), indent=1, ensure_ascii=False) + "\n"


def dashboard(rows: list[Any]) -> dict[str, Any]:
    """The dashboard of a table's rows."""
    return {
        "uid": "housestyle",
        "title": "Housestyle",
        "description": "The LLM gateway: is it well, whose model answers, what the providers do, what it costs.",
        "tags": ["housestyle", "llm"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": _variables()},
        "panels": list(_panels(rows)),
    }


def _variables() -> list[dict[str, Any]]:
    chosen = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {}}
    return [
        chosen,
        _variable("namespace", "Namespace", "label_values(housestyle_build_info, namespace)"),
        _variable("job", "Service", 'label_values(housestyle_build_info{namespace=~"$namespace"}, job)'),
        _variable("tenant", "Tenant", f"label_values(housestyle_tenant_calls_total{{{_SELECTED}}}, tenant)"),
    ]


def _variable(name: str, label: str, query: str) -> dict[str, Any]:
    """One whose values Prometheus tells; all of them unless some are chosen, also where the label is missing."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"qryType": 1, "query": query, "refId": "values"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _panels(rows: list[Any]) -> Iterator[dict[str, Any]]:
    """Rows one below the other; the panels of one from left to right, and below where there is no room."""
    number, y = 0, 0
    for row in rows:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row["row"],
            "collapsed": False,
            "gridPos": {"x": 0, "y": y, "w": _COLUMNS, "h": 1},
            "panels": [],
        }
        x, y, height = 0, y + 1, 0
        for panel in row["panels"]:
            if x + panel["width"] > _COLUMNS:
                x, y, height = 0, y + height, 0
            number += 1
            height = max(height, _HEIGHTS.get(panel.get("kind", ""), _HEIGHT))
            place = {"x": x, "y": y, "w": panel["width"], "h": _HEIGHTS.get(panel.get("kind", ""), _HEIGHT)}
            yield {"id": number, "gridPos": place, **_panel(panel)}
            x += panel["width"]
        y += height


def _panel(panel: dict[str, Any]) -> dict[str, Any]:
    kind = panel.get("kind", "timeseries")
    made = {
        "type": kind,
        "title": panel["title"],
        "description": panel["says"],
        "datasource": _SOURCE,
        "targets": [_target(index, query, kind) for index, query in enumerate(panel["queries"])],
        "fieldConfig": {"defaults": _defaults(panel, kind), "overrides": []},
        "options": _options(panel, kind),
    }
    if kind == "table":
        made["transformations"] = _one_table(panel)
    return made


def _target(index: int, query: list[str], kind: str) -> dict[str, Any]:
    legend, expression = query
    return {
        "refId": chr(ord("A") + index),
        "datasource": _SOURCE,
        "expr": expression.replace("{@", "{" + _SELECTED),
        "legendFormat": legend,
        "editorMode": "code",
        "format": "table" if kind == "table" else "time_series",
        "instant": kind != "timeseries",
        "range": kind == "timeseries",
    }


def _defaults(panel: dict[str, Any], kind: str) -> dict[str, Any]:
    steps = [
        {"color": colour, "value": None if value == "" else value}
        for value, colour in panel.get("thresholds", {"": "green"}).items()
    ]
    made: dict[str, Any] = {
        "unit": panel.get("unit", "none"),
        "min": 0,
        "color": {"mode": "thresholds" if kind != "timeseries" else "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": steps},
        "mappings": [*([_mapping(panel["mappings"])] if "mappings" in panel else []), _NO_NUMBER],
    }
    if panel.get("unit") == "percentunit":
        made["max"] = 1
    if "none" in panel:
        made["noValue"] = panel["none"]
    if kind == "timeseries":
        made["custom"] = _drawn(panel)
    return made


def _mapping(words: dict[str, list[str]]) -> dict[str, Any]:
    options = {value: {"text": text, "color": colour} for value, (text, colour) in words.items()}
    return {"type": "value", "options": options}


def _drawn(panel: dict[str, Any]) -> dict[str, Any]:
    stacked = panel.get("stack", False)
    return {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 40 if stacked else 10,
        "showPoints": "never",
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if "thresholds" in panel else "off"},
    }


def _options(panel: dict[str, Any], kind: str) -> dict[str, Any]:
    if kind == "timeseries":
        legend = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    if kind == "table":
        return {"showHeader": True, "cellHeight": "sm"}
    reduced = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "orientation": "auto"}
    if kind == "bargauge":
        return {**reduced, "orientation": "horizontal", "displayMode": "basic", "showUnfilled": True}
    return {**reduced, "colorMode": "value", "graphMode": "none", "textMode": panel.get("text", "value")}


def _one_table(panel: dict[str, Any]) -> list[dict[str, Any]]:
    """Transformations that put the queries' tables into one, a column each under its legend."""
    legends = [legend for legend, _ in panel["queries"]]
    values = ["Value"] if len(legends) == 1 else [f"Value #{chr(ord('A') + index)}" for index in range(len(legends))]
    names = {**panel["columns"], **dict(zip(values, legends, strict=True))}
    order = {name: index for index, name in enumerate(names)}
    organised = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names}
    return [{"id": "merge", "options": {}}, {"id": "organize", "options": organised}]


if __name__ == "__main__":
    DASHBOARD.parent.mkdir(parents=True, exist_ok=True)
    DASHBOARD.write_text(text())
