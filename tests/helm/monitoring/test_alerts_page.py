"""docs/alerts.md: what it tells somebody to do can be done. Every command is asked of a real gateway, and every name of
an event, a field or an error is one that the code has."""

import re
import shlex
from itertools import chain

import pytest

from tests.helm.monitoring.stage import ROOT, Stage

_PAGE = (ROOT / "docs" / "alerts.md").read_text()
_COMMANDS = re.findall(r"(?m)^(curl .+?)(?:\s{2,}#.*)?$", _PAGE)
_NAMES = sorted(set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", _PAGE)) - {"runbook_url"})  # Prometheus' own
_SOURCES = "\n".join(path.read_text() for path in chain(ROOT.glob("gateway/**/*.py"), ROOT.glob("finetune/**/*.py")))


@pytest.mark.parametrize("command", _COMMANDS)
def test_a_command_asks_what_is_there(command: str, stage: Stage) -> None:
    words = shlex.split(command)
    [url] = [word for word in words if word.startswith("$GATEWAY")]
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    body = words[words.index("-d") + 1].encode() if "-d" in words else None
    path = url.removeprefix("$GATEWAY")
    if not path.startswith("/admin/api"):
        assert stage.a.ask(method, f"{stage.a.url}{path}").status_code == 200
        return
    path = path.removeprefix("/admin/api").replace("TENANT", stage.tuned.name)
    path = path.replace("JOB", stage.jobs[0]["id"]).replace("NEW", stage.jobs[0]["id"])
    answer = stage.a.ask(method, path, body)
    # 409 and 422: the route is there and has understood; nothing has happened that it is for.
    assert answer.status_code in (200, 201, 409, 422), answer.text


def test_there_are_commands() -> None:
    assert len(_COMMANDS) > 5


@pytest.mark.parametrize("name", _NAMES)
def test_a_name_is_one_that_the_code_has(name: str) -> None:
    assert re.search(rf"\b{name.removesuffix('_total')}\b", _SOURCES)  # Prometheus adds it to a counter
