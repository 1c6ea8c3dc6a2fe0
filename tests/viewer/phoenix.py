"""A real Arize Phoenix as a process, from .venv-phoenix (`set_up_viewer` in scripts/setup), and its REST API. Nothing
of the gateway is known here.

Sources: `phoenix/config.py` for the variables; its `/openapi.json` for the routes.
"""

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from tests.support.admin import NO_TLS
from tests.support.debian import ROOT, Missing
from tests.support.processes import children, gone, wait_until

_LISTENING = re.compile(r"Uvicorn running on (http://\S+)")
_START_SECONDS = 180.0  # half a minute of one core, and CI's may be busy
_OF_THE_CALLERS = ("PHOENIX_", "OTEL_", "PYTHON")


def installed() -> Path:
    """Phoenix's command. Raises Missing."""
    command = ROOT / ".venv-phoenix" / "bin" / "phoenix"
    if not command.exists():
        raise Missing("Arize Phoenix is not in .venv-phoenix; scripts/test installs it where the index has it.")
    return command


class Phoenix:
    """A running one. `url` is its page's, and what OTEL_EXPORTER_OTLP_ENDPOINT takes."""

    def __init__(self, url: str) -> None:
        self.url = url

    def spans(self, **wanted: str) -> list[Any]:
        """The spans that it holds, in the order of their start; `attribute="fine_tuned:true"` and the like choose."""
        asked = {"limit": "1000", "sort": "start_time", "order": "asc", **wanted}
        found: list[Any] = self._get("/spans", asked)
        return found

    def of_call(self, call_id: str, count: int = 1) -> list[Any]:
        """The spans of a call, once `count` are there."""
        wanted = f"housestyle.call_id:{call_id}"
        wait_until(lambda: len(self.spans(attribute=wanted)) >= count, what=f"{count} span(s) of {call_id}")
        return self.spans(attribute=wanted)

    def page(self, span: dict[str, Any]) -> str:
        """The address of its page with a span and the trace around it."""
        trace, project = span["context"]["trace_id"], self._get("", {})["id"]
        return f"{self.url}/projects/{project}/traces/{trace}?selectedSpanNodeId={span['id']}"

    def _get(self, what: str, asked: dict[str, str]) -> Any:
        """Something of the one project."""
        answer = httpx2.get(f"{self.url}/v1/projects/default{what}", params=asked, verify=NO_TLS, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Phoenix]:
    """Phoenix on ports that the system chooses (0: its gRPC port is open on every address), with all that it writes in
    `folder`, and nothing asked of anybody elsewhere. Raises Missing."""
    command = installed()
    folder.mkdir(parents=True, exist_ok=True)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(_OF_THE_CALLERS)} | {
        "HOME": str(folder),
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": "0",
        "PHOENIX_GRPC_PORT": "0",
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
        "PHOENIX_DISABLE_AGENT_ASSISTANT": "true",
        "PHOENIX_AGENTS_DISABLE_BASH": "true",
        "PHOENIX_ENABLE_MCP_SERVER": "false",
    }
    log = folder / "log"
    with log.open("ab") as output:
        process = subprocess.Popen([command, "serve"], env=environ, cwd=folder, stdout=output, stderr=output)
        try:
            yield Phoenix(_url(process, log))
        finally:
            _end(process)


def _url(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """Where it listens, once it does."""

    def said() -> re.Match[str] | None:
        return _LISTENING.search(log.read_text(errors="replace"))

    wait_until(lambda: bool(said()) or process.poll() is not None, _START_SECONDS, "Phoenix's start")
    found = said()
    if found is None or process.poll() is not None:
        raise RuntimeError(f"Phoenix ended with {process.returncode}: {log.read_text(errors='replace')[-2000:]}")
    return found[1]


def _end(process: "subprocess.Popen[bytes]") -> None:
    started = [process.pid, *children(process.pid)]
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert gone(started)
