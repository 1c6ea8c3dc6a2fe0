"""A real Prometheus for tests: it scrapes gateways every second, evaluates alert rules, and answers questions."""

import contextlib
import json
import math
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
from msgspec import Struct

from tests.support import debian
from tests.support.admin import NO_TLS
from tests.support.processes import wait_until

_LISTENING = re.compile(r'msg="Listening on" address=(\S+)')


class Sample(Struct, frozen=True):
    """One series' labels and its value at a moment."""

    labels: dict[str, str]
    value: float


class Refused(Exception):
    """Prometheus cannot evaluate the expression; the message is its own."""


class Prometheus:
    """A running one."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, expression: str, at: float | None = None) -> list[Sample]:
        """What an expression is now, or was at a time (seconds since the epoch). Raises Refused."""
        asked = {"query": expression} if at is None else {"query": expression, "time": str(at)}
        answer = httpx2.post(f"{self.url}/api/v1/query", data=asked, verify=NO_TLS, timeout=30).json()
        if answer["status"] != "success":
            raise Refused(f"{expression}: {answer['error']}")
        data = answer["data"]
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        return [Sample(one["metric"], float(one["value"][1])) for one in data["result"]]

    def values(self, label: str, selector: str) -> list[str]:
        """The values of a label among the series that a selector finds."""
        params = {"match[]": selector}
        answer = httpx2.get(f"{self.url}/api/v1/label/{label}/values", params=params, verify=NO_TLS, timeout=30).json()
        return [str(value) for value in answer["data"]]

    def rules(self) -> list[Any]:
        """The rules as it has them, each with its health and its alerts."""
        answer = httpx2.get(f"{self.url}/api/v1/rules", verify=NO_TLS, timeout=30).json()
        return [rule for group in answer["data"]["groups"] for rule in group["rules"]]

    def number(self, expression: str, at: float | None = None) -> float:
        """The one value of an expression; NaN where it has none."""
        found = self.ask(expression, at)
        return found[0].value if found else math.nan


def promtool(*arguments: str | Path) -> str:
    """What promtool says; it must end well. Raises debian.Missing."""
    command = [debian.prometheus("promtool"), *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=debian.debian_environ())
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@contextlib.contextmanager
def scraping(
    folder: Path, targets: Sequence[str], labels: Mapping[str, str], rules: Sequence[Path] = ()
) -> Iterator[Prometheus]:
    """A Prometheus on a free port, its files in `folder`. `targets` are URLs; `labels` are what service discovery adds.

    Raises debian.Missing.
    """
    folder.mkdir(parents=True)
    addresses = [url.removeprefix("http://") for url in targets]
    configuration = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [
            {"job_name": labels["job"], "static_configs": [{"targets": addresses, "labels": dict(labels)}]}
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(configuration))  # JSON is YAML
    log = folder / "log"
    command = [
        debian.prometheus("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
    ]
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=errors, stderr=errors, env=debian.debian_environ()) as process,
    ):
        try:
            wait_until(lambda: "ready to receive" in log.read_text() or process.poll() is not None, what="Prometheus")
            found = _LISTENING.search(log.read_text())
            assert process.poll() is None and found, log.read_text()[-2000:]
            yield Prometheus(f"http://{found[1]}")
        finally:
            process.terminate()
