"""docs/helm.md: its values are the chart's, its commands run where they need neither cluster nor Docker."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from tests.support.debian import ROOT
from tests.support.helm import CHART, VALUES, helm, render

TEXT = (ROOT / "docs" / "helm.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
NEEDS = ("# needs a cluster", "# needs Docker", "# needs the package index")


@pytest.mark.parametrize("block", [text for kind, text in BLOCKS if kind == "yaml"])
def test_the_values_render(block: str) -> None:
    values = yaml.safe_load(block)
    if "image" in values:
        render(values)
    else:
        render(VALUES["evaluation"], values)


def test_the_values_given_to_an_installation_render() -> None:
    [given] = re.findall(r"--values - <<EOF\n(.*?)^EOF", TEXT, re.MULTILINE | re.DOTALL)
    made = {
        "$(openssl rand -base64 32)": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "$(openssl rand -hex 32)": "0" * 64,
    }
    for command, output in made.items():
        assert command in given
        given = given.replace(command, output)
    render(yaml.safe_load(given))


def test_commands_that_need_nothing_run(version: str) -> None:
    ran = 0
    for kind, block in BLOCKS:
        if kind == "sh" and not block.startswith(NEEDS):
            for line in block.splitlines():
                words = shlex.split(line)
                assert words[0] == "helm" and "helm" in words[1:]
                helm(
                    *(str(ROOT / word) if word.startswith("helm/") else word for word in words[1:] if word != "helm"),
                    version=version,
                )
                ran += 1
    assert ran == 2


def test_every_value_that_is_named_is_there() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    named = [name for name in re.findall(r"`([a-zA-Z.]+)`", TEXT) if name.split(".")[0] in values]
    assert len(named) > 30
    for name in named:
        found = values
        for step in name.split("."):
            assert step in found, name
            found = found[step]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.stem)
def test_names_of_what_is_made_are_the_charts(page: Path) -> None:
    made = render(VALUES["evaluation"], {"fullnameOverride": "housestyle"})
    names = {(one["kind"].lower(), one["metadata"]["name"]) for one in made}
    told = re.findall(r"\b(deployment|service)/([\w-]+)", page.read_text())
    assert set(told) <= names


def test_labels_that_pods_are_found_by_are_theirs() -> None:
    components = {one["metadata"]["labels"]["app.kubernetes.io/component"] for one in render(VALUES["evaluation"])}
    for page in (ROOT / "docs").glob("*.md"):
        assert set(re.findall(r"app\.kubernetes\.io/component=(\w+)", page.read_text())) <= components


def test_figures_are_the_charts() -> None:
    gateway = yaml.safe_load((CHART / "values.yaml").read_text())["gateway"]
    startup, liveness = gateway["startupProbe"], gateway["livenessProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] == 120  # "2 minutes"
    assert liveness["periodSeconds"] * liveness["failureThreshold"] == 60  # "a minute"
