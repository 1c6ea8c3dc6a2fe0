"""scripts/release: its decisions as tables, and the whole of it in a clone."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.scripts.releasing import PLACES, Refused, check_version, current, released, with_version

ROOT = Path(__file__).parents[2]
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n- A thing.\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n"
WHO = {f"GIT_{role}_{what}": "tests@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
NEW = "99.1.0"


@pytest.mark.parametrize("new", ["0.1.0", "0.1.1", "0.2.0", "1.0.0", "0.10.0"])
def test_versions_that_may_follow(new: str) -> None:
    check_version(new, "0.1.0", {"v0.0.9"})


@pytest.mark.parametrize("new", ["0.0.9", "0.1", "v0.2.0", "0.2.0rc1", "0.3.0", ""])
def test_versions_that_may_not(new: str) -> None:
    with pytest.raises(Refused):
        check_version(new, "0.1.0", {"v0.3.0"})


def test_the_changelog() -> None:
    made = released(CHANGELOG, "0.2.0", "2026-12-01")
    assert made == CHANGELOG.replace("## [Unreleased]\n", "## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n")
    for nothing in (made, "# Changelog\n", "## [Unreleased]\n\n \n"):
        with pytest.raises(Refused, match="nothing"):
            released(nothing, "0.3.0", "2026-12-02")


def test_a_place_that_is_gone_is_said() -> None:
    with pytest.raises(Refused, match=r"PLACES"):
        with_version("appVersion: next", PLACES[3][1], "0.1.0", "0.2.0", "helm/Chart.yaml")


def test_every_place_has_the_version_today() -> None:
    version = current((ROOT / "pyproject.toml").read_text())
    for file, pattern in PLACES:
        with_version((ROOT / file).read_text(), pattern, version, "9.9.9", file)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The project as it is committed, with something to release, and a scripts/test that fails."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so there is nothing to clone")
    place = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(ROOT), str(place))
    changelog = place / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("## [Unreleased]\n", "## [Unreleased]\n\n- A thing.\n"))
    (place / "scripts" / "test").write_text("#!/bin/sh\necho red; exit 1\n")
    git(place, "commit", "--quiet", "--all", "--message", "Something to release")
    return place


def git(place: Path, *arguments: str) -> str:
    environ = {**os.environ, **WHO}
    return subprocess.run(
        ["git", *arguments], cwd=place, env=environ, check=True, capture_output=True, text=True
    ).stdout


def release(place: Path, *arguments: str) -> tuple[int, str]:
    """The exit code, and what it said."""
    environ = {**os.environ, **WHO}
    done = subprocess.run(["scripts/release", *arguments], cwd=place, env=environ, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_a_release_in_a_clone(clone: Path) -> None:
    before = git(clone, "rev-parse", "HEAD")

    code, said = release(clone, NEW, "--dry-run")
    assert code == 0 and f'+version = "{NEW}"' in said and f"+## [{NEW}] - " in said
    code, said = release(clone, NEW)
    assert code == 1 and "scripts/test failed" in said
    (clone / "README.md").write_text("changed")
    code, said = release(clone, NEW, "--without-tests")
    assert code == 1 and "not clean" in said
    git(clone, "checkout", "--quiet", "README.md")
    assert (git(clone, "rev-parse", "HEAD"), git(clone, "status", "--porcelain")) == (before, "")

    code, said = release(clone, NEW, "--without-tests")
    assert code == 0, said
    assert git(clone, "describe") == f"v{NEW}\n"
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "rev-parse", "HEAD~1") == before
    for file, pattern in PLACES:
        with_version((clone / file).read_text(), pattern, NEW, "9.9.9", file)
    changelog = (clone / "CHANGELOG.md").read_text()
    assert changelog.index("[Unreleased]") < changelog.index(f"[{NEW}]") < changelog.index("- A thing.")

    code, said = release(clone, NEW, "--without-tests")
    assert code == 1 and "there already" in said
