"""What `scripts/release` does: decides as plain functions of the files' texts, then writes, commits and tags.

The standard library and git alone, so that it runs from any Python 3.11+ before anything is set up.
"""

import argparse
import datetime
import difflib
import re
import subprocess
import sys
from pathlib import Path

_VERSION = r"[0-9]+\.[0-9]+\.[0-9]+"
_UNRELEASED = "## [Unreleased]\n"
# Each place that names the version: the file, and what stands around it there.
PLACES = (
    ("pyproject.toml", r'(?m)^(version = ")@(")$'),
    ("uv.lock", r'(?m)(^name = "housestyle"\nversion = ")@(")$'),
    ("helm/Chart.yaml", r"(?m)^(version: )@()$"),
    ("helm/Chart.yaml", r'(?m)^(appVersion: ")@(")$'),
    ("helm/ci/everything-values.yaml", r"(?m)^(  tag: )@(-translator)$"),
    ("Dockerfile", r"(housestyle:)@(\b)"),
    ("docs/helm.md", r"(housestyle:)@(\b)"),
    ("tests/helm/chart/test_values.py", r"(housestyle:)@(\b)"),
)


class Refused(Exception):
    """It cannot be released; the message says why, and what to do."""


def current(pyproject: str) -> str:
    """The version that stands in pyproject.toml."""
    found = re.search(rf'(?m)^version = "({_VERSION})"$', pyproject)
    if not found:
        raise Refused("pyproject.toml has no version of three numbers.")
    return found[1]


def check_version(new: str, old: str, tags: set[str]) -> None:
    """Raises Refused unless `new` may follow `old`, which may itself not be released yet."""
    if not re.fullmatch(_VERSION, new):
        raise Refused(f"{new} is no version: three numbers, as in 0.2.0.")
    if f"v{new}" in tags:
        raise Refused(f"The tag v{new} is there already.")
    if _order(new) < _order(old):
        raise Refused(f"{new} is older than {old}, which pyproject.toml has.")


def with_version(text: str, pattern: str, old: str, new: str, file: str) -> str:
    """The text with its version changed. Raises Refused where it is not in its place."""
    changed, count = re.subn(pattern.replace("@", re.escape(old)), rf"\g<1>{new}\g<2>", text)
    if not count:
        raise Refused(f"{file} does not name version {old} where it did; see PLACES in tests/scripts/releasing.py.")
    return changed


def released(changelog: str, version: str, day: str) -> str:
    """The changelog with what is unreleased under the version. Raises Refused where that is nothing."""
    before, found, after = changelog.partition(_UNRELEASED)
    if not found or not re.split(r"(?m)^## \[", after)[0].strip():
        raise Refused("CHANGELOG.md has nothing under [Unreleased].")
    return f"{before}{_UNRELEASED}\n## [{version}] - {day}\n{after}"


def changes(root: Path, new: str, day: str) -> dict[Path, tuple[str, str]]:
    """Each file that a release changes, as it is and as it will be."""
    old = current((root / "pyproject.toml").read_text())
    texts = {root / file: (root / file).read_text() for file in ("CHANGELOG.md", *dict(PLACES))}
    made = dict(texts)
    for file, pattern in PLACES:
        made[root / file] = with_version(made[root / file], pattern, old, new, file)
    made[root / "CHANGELOG.md"] = released(texts[root / "CHANGELOG.md"], new, day)
    return {path: (texts[path], made[path]) for path in texts if texts[path] != made[path]}


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def _release(root: Path, version: str, *, dry: bool, tested: bool) -> None:
    if not dry and _git(root, "status", "--porcelain"):
        raise Refused("The tree is not clean: commit or stash first.")
    check_version(version, current((root / "pyproject.toml").read_text()), set(_git(root, "tag").split()))
    planned = changes(root, version, datetime.datetime.now(datetime.UTC).date().isoformat())
    if dry:
        for path, (old, new) in planned.items():
            name = str(path.relative_to(root))
            sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), name, name, n=1))
        return
    if not tested and subprocess.run([root / "scripts" / "test"], cwd=root, check=False).returncode:
        raise Refused("scripts/test failed; nothing was changed.")
    for path, (_, new) in planned.items():
        path.write_text(new)
    _git(root, "commit", "--quiet", "--all", "--message", f"Release {version}")
    _git(root, "tag", "--annotate", f"v{version}", "--message", f"Housestyle {version}")
    sys.stdout.write(f"Committed and tagged v{version}. To publish it: git push --follow-tags\n")


def main() -> int:
    """The command line; 0, or 1 where it is refused."""
    parser = argparse.ArgumentParser(prog="scripts/release", description="Makes a release: a commit and a tag.")
    parser.add_argument("version", help="three numbers, as in 0.2.0")
    parser.add_argument("--dry-run", action="store_true", help="print what would change, and change nothing")
    parser.add_argument("--without-tests", action="store_true", help="do not run scripts/test before it")
    given = parser.parse_args()
    try:
        _release(Path.cwd(), given.version, dry=given.dry_run, tested=given.without_tests)
    except Refused as error:
        sys.stderr.write(f"scripts/release: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
