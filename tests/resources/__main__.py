"""`python -m tests.resources CLONE`: openai-python's own resource tests, directly and through the gateway; see
docs/resource-tests.md.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.resources.clone import Unusable, prepare
from tests.resources.comparing import Verdict, table
from tests.resources.mock import install, mocking
from tests.resources.running import Compared, run

_WORK = Path(__file__).parents[2] / ".tools" / "resource-tests"
_SHOWN = 20


def main() -> int:
    """0 where nothing differs, 1 where something does, 2 where the tests could not be run."""
    parser = argparse.ArgumentParser(prog="scripts/resource-tests", description=__doc__)
    parser.add_argument("clone", type=Path, help="a clone of github.com/openai/openai-python")
    parser.add_argument("--spec", type=Path, help="an OpenAPI specification for the mock (the clone's own)")
    parser.add_argument("-k", metavar="EXPRESSION", help="of the tests, those that pytest's -k chooses")
    asked = parser.parse_args()
    try:
        compared = _run(asked.clone.resolve(), asked.spec, ["-k", asked.k] if asked.k else [])
    except Unusable as unusable:
        print(unusable, file=sys.stderr)  # noqa: T201 - for the user
        return 2
    return _tell(compared)


def _run(folder: Path, specification: Path | None, options: list[str]) -> Compared:
    clone = prepare(folder, _WORK)
    program = install(clone.mock_version(), _WORK)
    with tempfile.TemporaryDirectory(prefix="housestyle-resources-") as made:
        kept = Path(made)
        with mocking(program, specification or clone.specification(), kept / "mock.log") as mock:
            return run(clone, mock, kept, options)


def _tell(compared: Compared) -> int:
    """Prints the tables, and what differs."""
    different = 0
    for words, verdicts in compared.verdicts.items():
        print(f"\n{words}:\n\n" + "\n".join(table(verdicts)))  # noqa: T201 - its output
        found = [verdict for verdict in verdicts if verdict.kind == "different"]
        _show(found)
        different += len(found)
    print(f"\nallowed: {' '.join(compared.allowed)}")  # noqa: T201 - its output
    passed = any(outcome.how == "passed" for outcome in compared.direct.outcomes.values())
    if not passed:
        print("no test passed against the mock itself: nothing was compared", file=sys.stderr)  # noqa: T201
    return 0 if passed and not different else 1


def _show(found: list[Verdict]) -> None:
    """A test for each way to differ: there may be thousands of tests."""
    ways = Counter(verdict.why for verdict in found)
    examples = {verdict.why: verdict.test for verdict in reversed(found)}
    for why, number in ways.most_common(_SHOWN):
        print(f"\n{number} like {examples[why]}:\n    {why}")  # noqa: T201 - its output
    if len(ways) > _SHOWN:
        print(f"\n… and {len(ways) - _SHOWN} more ways")  # noqa: T201 - its output


if __name__ == "__main__":
    sys.exit(main())
