"""What is made of whole files of values: the same by every Helm, valid for every Kubernetes, packaged, announced."""

import re
import tarfile
from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from tests.support.debian import ROOT
from tests.support.helm import CHART, VALUES, Refused, helm, kinds, lint, render

OLDEST, NEWEST = "1.30", "1.37"
# Kinds that Kubernetes does not know by itself.
CUSTOM = {"Certificate", "ExternalSecret", "HTTPRoute", "PrometheusRule", "ScaledObject", "ServiceMonitor"}
EVALUATION = VALUES["evaluation"]


def test_lint_has_nothing_to_say(version: str) -> None:
    for values in (None, *VALUES.values()):
        said = lint(values, version)
        assert "1 chart(s) linted, 0 chart(s) failed" in said
        assert "WARNING" not in said and "ERROR" not in said


@pytest.mark.parametrize("name", VALUES)
def test_every_version_of_helm_makes_the_same(name: str, version: str) -> None:
    assert render(VALUES[name], version=version) == render(VALUES[name])


@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", VALUES)
def test_kubernetes_takes_it(name: str, kubernetes: str) -> None:
    unknown = set()
    for document in render(VALUES[name]):
        try:
            kubernetes_validate.validate(document, kubernetes, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            unknown.add(document["kind"])
    assert unknown <= CUSTOM


def test_the_oldest_kubernetes_is_the_one_that_the_chart_names() -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"] == f">={OLDEST}.0-0"
    with pytest.raises(Refused, match="incompatible with Kubernetes"):
        helm("template", "trial", "-f", str(EVALUATION), "--kube-version", "1.29")


def test_what_an_evaluation_consists_of() -> None:
    assert kinds(render(EVALUATION)) == {
        "Deployment housestyle-gateway",
        "Deployment housestyle-redis",
        "Deployment housestyle-worker",
        "NetworkPolicy housestyle-gateway",
        "NetworkPolicy housestyle-redis",
        "NetworkPolicy housestyle-test",
        "NetworkPolicy housestyle-worker",
        "PersistentVolumeClaim housestyle-artifacts",
        "Pod housestyle-test-check",
        "Pod housestyle-test-reach",
        "PodDisruptionBudget housestyle-gateway",
        "PodDisruptionBudget housestyle-worker",
        "Secret housestyle",
        "Secret housestyle-redis",
        "Service housestyle",
        "Service housestyle-admin",
        "Service housestyle-redis",
        "ServiceAccount housestyle",
    }


def immutable(values: Path) -> dict[str, object]:
    """What Kubernetes lets nobody change, of everything that is made; each by its kind and name."""
    found: dict[str, object] = {}
    for one in render(values, {"nameOverride": ""}):
        name = f"{one['kind']} {one['metadata']['name']}"
        if one["kind"] == "Deployment":
            found[name] = one["spec"]["selector"]
        elif one["kind"] == "Secret":
            found[name] = one["type"]
    return found


@pytest.mark.parametrize("after", VALUES)
@pytest.mark.parametrize("before", VALUES)
def test_a_release_can_be_upgraded_from_any_values_to_any_others(before: str, after: str) -> None:
    old, new = immutable(VALUES[before]), immutable(VALUES[after])
    shared = old.keys() & new.keys()
    assert {"Deployment trial-housestyle-gateway", "Deployment trial-housestyle-worker"} <= shared
    assert {name: old[name] for name in shared} == {name: new[name] for name in shared}


def test_nothing_is_made_up_anew_at_an_upgrade() -> None:
    assert render(EVALUATION, {}) == render(EVALUATION, {"global": {}})  # two runs of Helm
    templates = [path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file()]
    assert not [
        found for text in templates for found in re.findall(r"\b(?:rand[A-Z]\w+|gen[A-Z]\w+|uuidv4|now|lookup)\b", text)
    ]


def test_the_package_has_what_an_installation_needs_and_no_more(tmp_path: Path, version: str) -> None:
    helm("package", "--destination", str(tmp_path), version=version)
    [archive] = tmp_path.glob("housestyle-*.tgz")
    with tarfile.open(archive) as package:
        names = {name.removeprefix("housestyle/") for name in package.getnames()}
    assert {"Chart.yaml", "values.yaml", "values.schema.json", "templates/gateway.yaml"} <= names
    assert not [name for name in names if name.startswith("ci/")]
    shipped = {
        str(path.relative_to(CHART)) for folder in ("rules", "dashboards") for path in (CHART / folder).glob("*.*")
    }
    assert shipped <= names


def test_the_chart_is_of_the_programs_version() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert f'\nversion = "{version}"\n' in project


@pytest.mark.parametrize("name", VALUES)
def test_the_notes_give_the_next_command_and_warn_of_what_is_not_for_production(name: str) -> None:
    said = helm(
        "install", "trial", "--namespace", "llm", "--dry-run=client", "-f", str(VALUES[name])
    )  # not 3: it asks a cluster
    notes = said.partition("NOTES:")[2]
    assert "helm -n llm test trial" in notes
    assert "port-forward service/trial-" in notes
    assert ("FOR EVALUATION ONLY" in notes) == (name == "evaluation")
    assert ("gateway.replicas is 1" in notes) == (name == "evaluation")
    assert ("name it in networkPolicy.admins" in notes) == (name == "everything")
    assert ("https://llm.example.com/v1" in notes) == (name != "evaluation")
    assert "MDEyMzQ1" not in notes
