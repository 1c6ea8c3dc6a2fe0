"""The command: one line on stdout, a free port, an end on a signal."""

from __future__ import annotations

import asyncio
import re
import signal
import sys

import httpx2
import pytest

from finetune.sandbox import running


async def test_the_command_serves_and_says_where() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        "sandbox",
        "--port",
        "0",
        "--step-seconds",
        "0.05",
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        line = (await process.stdout.readline()).decode()
        found = re.fullmatch(r"housestyle sandbox listening on (http://127\.0\.0\.1:\d+)\n", line)
        assert found
        async with httpx2.AsyncClient() as http:
            assert (await http.get(f"{found[1]}/healthz")).status_code == 200
        process.send_signal(signal.SIGTERM)
        rest, _ = await process.communicate()
    assert rest == b""


def test_a_taken_port_is_an_error() -> None:
    with running() as url:
        port = int(url.rsplit(":", 1)[1])
        with pytest.raises(RuntimeError, match=f"could not start on 127.0.0.1:{port}"), running(port=port):
            pass


def test_a_stalled_answer_does_not_hold_up_the_end() -> None:
    with httpx2.Client(timeout=0.3) as http:
        with running() as url:
            http.post(f"{url}/sandbox/faults", json={"fault": {"kind": "timeout_after"}})
            with pytest.raises(httpx2.ReadTimeout):
                http.get(f"{url}/v1/models", headers={"authorization": "Bearer sk-stalled-1"})
        with pytest.raises(httpx2.ConnectError):
            http.get(f"{url}/healthz")
