"""values.schema.json: what it refuses, and that it and values.yaml know the same."""

import json
from typing import Any

import pytest
import yaml

from tests.support.helm import CHART, VALUES, Refused, render

EVALUATION = VALUES["evaluation"]
# where, and on which values, the schema has something to say
SCHEMA: list[tuple[str, dict[str, Any]]] = [
    ("gateway", {"gateway": {"replica": 3}}),
    ("port", {"gateway": {"port": "http"}}),
    ("port", {"gateway": {"port": 70000}}),
    ("nope", {"nope": 1}),
    ("value", {"extraEnv": [{"name": "PORT", "value": 8080}]}),
    ("upstreamAllow", {"config": {"upstreamAllow": ["10.0.0.1"]}}),
    ("vaultRoots", {"config": {"vaultRoots": ["/srv/vaults"]}}),
    ("drainSeconds", {"config": {"drainSeconds": 0}}),
    ("maxConcurrent", {"config": {"maxConcurrent": 1.5}}),
    ("digest", {"image": {"digest": "latest"}}),
    ("repository", {"image": {"repository": "housestyle@sha256:0"}}),
    ("pullPolicy", {"image": {"pullPolicy": "Sometimes"}}),
    ("endpoint", {"otel": {"endpoint": "collector:4318"}}),
    ("maxUnavailable", {"gateway": {"podDisruptionBudget": {"maxUnavailable": "most"}}}),
    ("tmpSize", {"worker": {"tmpSize": "much"}}),
    ("path", {"gateway": {"readinessProbe": {"httpGet": {"path": "/"}}}}),
]


@pytest.mark.parametrize(("where", "values"), SCHEMA)
def test_the_schema_refuses_and_says_where(where: str, values: dict[str, Any], version: str) -> None:
    with pytest.raises(Refused) as refused:
        render(EVALUATION, values, version=version)
    said = str(refused.value)
    assert "values don't meet the specifications of the schema" in said
    assert where in said or "httpGet" in said


def schema_of(schema: Any, root: Any) -> Any:
    """A schema, its reference followed."""
    return root["definitions"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def undescribed(schema: Any, root: Any, path: str) -> list[str]:
    found = []
    for name, below in schema_of(schema, root).get("properties", {}).items():
        here = f"{path}.{name}".lstrip(".")
        if "$ref" not in schema and not below.get("description"):
            found.append(here)
        found += undescribed(below, root, here)
    return found


def outside(values: Any, schema: Any, root: Any, path: str) -> list[str]:
    """Every value whose name the schema does not have."""
    properties = schema_of(schema, root).get("properties")
    if properties is None or not isinstance(values, dict):
        return []
    found = [f"{path}.{name}" for name in values if name not in properties]
    return found + [
        more
        for name in values
        if name in properties
        for more in outside(values[name], properties[name], root, f"{path}.{name}")
    ]


def test_the_schema_describes_every_value_and_knows_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert undescribed(schema, schema, "") == []
    assert outside(values, schema, schema, "") == []
    assert set(schema["properties"]) - set(values) == {"global"}
