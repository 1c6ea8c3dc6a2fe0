"""The rules under litellm, in the translator's own environment: what connects there, connects past no guard."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.gateway.translator.talking import PYTHON

ROOT = Path(__file__).parents[3]
PROGRAM = """
    import asyncio, ipaddress, os, socket, sys, urllib.request

    from gateway.translator import floor
    from gateway.upstream.addresses import Guard

    inside = socket.create_server(("127.0.0.2", 0))
    allowed = socket.create_server(("127.0.0.1", 0))
    proxy = socket.create_server(("127.0.0.3", 0))
    floor.lay(
        Guard([ipaddress.ip_network("127.0.0.1/32")]),
        {"https_proxy": f"http://127.0.0.3:{proxy.getsockname()[1]}"},
    )

    def tell(name, connect):
        try:
            connect()
        except OSError as error:
            print(name, type(getattr(error, "reason", error)).__name__)
        else:
            print(name, "connected")

    async def asynchronously(server):
        _, writer = await asyncio.open_connection(*server.getsockname())
        writer.close()

    tell("allowed", lambda: socket.create_connection(allowed.getsockname()))
    tell("allowed in a loop", lambda: asyncio.run(asynchronously(allowed)))
    tell("proxy", lambda: socket.create_connection(proxy.getsockname()))
    tell("beside the proxy", lambda: socket.create_connection(("127.0.0.3", 1)))
    tell("inside", lambda: socket.create_connection(inside.getsockname()))
    tell("inside in a loop", lambda: asyncio.run(asynchronously(inside)))
    tell("inside, asked softly", lambda: socket.socket().connect_ex(inside.getsockname()))
    tell("inside by urllib", lambda: urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        f"http://127.0.0.2:{inside.getsockname()[1]}"))
    tell("metadata", lambda: socket.create_connection(("169.254.169.254", 80)))
    tell("mapped", lambda: socket.create_connection(("::ffff:127.0.0.2", inside.getsockname()[1])))
    tell("unix", lambda: socket.socket(socket.AF_UNIX).connect("/nowhere"))
    sys.stdout.flush()
    os._exit(0)
"""


def test_every_way_to_connect_is_judged() -> None:
    if not PYTHON.exists():
        pytest.skip(f"there is no {PYTHON.parents[1].name}: scripts/test makes it")
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [str(PYTHON), "-c", textwrap.dedent(PROGRAM)]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
    told = dict(line.rsplit(" ", 1) for line in ran.stdout.splitlines())
    assert {name for name, end in told.items() if end == "connected"} == {"allowed", "allowed in a loop", "proxy"}
    assert {end for end in told.values() if end != "connected"} == {"PermissionError"}, ran.stderr
    assert len(told) == 11


def test_of_ours_the_guard_alone_is_loaded() -> None:
    program = (
        "import sys, gateway.upstream.addresses; print(*sorted(m for m in sys.modules if m.startswith('gateway')))"
    )
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.split() == ["gateway", "gateway.upstream", "gateway.upstream.addresses"]
