"""Portkey's open gateway (Node), in production mode and without its console; the model is an override of its config."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.bench import tools
from tests.bench.running import Running, free_port, started
from tests.bench.upstream import TUNED


@contextlib.contextmanager
def portkey(folder: Path, upstream: str) -> Iterator[Running]:
    """It, before `upstream`. Raises Missing."""
    package, port = tools.node_package("portkey", tools.PORTKEY), free_port()
    script = package / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    node = shutil.which("node")
    if node is None:
        raise tools.Missing("there is no node here")
    config = {
        "provider": "openai",
        "api_key": "sk-t0",
        "custom_host": f"{upstream}/v1",
        "override_params": {"model": TUNED % "t0"},
    }
    environ = {**os.environ, "NODE_ENV": "production"}
    command = [node, str(script), f"--port={port}", "--headless"]
    with started(command, environ, folder / "log", port) as pid:
        headers = (("x-portkey-config", json.dumps(config)),)
        yield Running("portkey", f"http://127.0.0.1:{port}", pid, keys=("sk-t0",), headers=headers)
