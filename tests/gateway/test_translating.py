"""The translator's process: started on need, once; gone and back; never outliving its gateway."""

import asyncio
import contextlib
import ipaddress
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.translating import Translator, pause
from gateway.translator_program import child_environ
from tests.gateway.translator.talking import PYTHON, Talk, bedrock
from tests.gateway.upstream.server import turns
from tests.support.processes import gone, wait_until

needs_translator = pytest.mark.skipif(not PYTHON.exists(), reason=f"there is no {PYTHON.parents[1].name}")
ALLOWED = [ipaddress.ip_network("127.0.0.1/32")]


@pytest.fixture
async def directory() -> AsyncIterator[Path]:
    """A directory whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def a_python(directory: Path, script: str) -> Path:
    """A program in the place of the translator's Python: it is what it prints and how it ends that matters here."""
    program = directory / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    return program


def mode_of(path: Path) -> int:
    """Who may use it."""
    return path.stat().st_mode & 0o777


def pid_of(translator: Translator) -> int:
    """Its child's."""
    assert translator._process is not None
    return translator._process.pid


async def fails(translator: Translator) -> str:
    """The words of a translator that cannot be had."""
    with pytest.raises(GatewayError) as caught:
        await translator.ready()
    assert caught.value.kind.status == 502
    return caught.value.message


async def test_none_is_installed(directory: Path) -> None:
    translator = Translator(None, directory, [], {})
    assert "HOUSESTYLE_TRANSLATOR_PYTHON" in await fails(translator)
    await translator.close()


@pytest.mark.parametrize("script", ["exit 3", "echo something else; exec cat", "echo broken >&2; exit 1"])
async def test_one_that_does_not_start(directory: Path, script: str) -> None:
    translator = Translator(a_python(directory, script), directory, [], {"PATH": os.environ["PATH"]})
    assert "cannot be started" in await fails(translator)
    await translator.close()


async def test_a_python_that_is_not_there(directory: Path) -> None:
    translator = Translator(directory / "nowhere", directory, [], {})
    assert "cannot be started" in await fails(translator)
    await translator.close()


async def test_one_that_keeps_ending_is_not_started_again_and_again(directory: Path) -> None:
    translator = Translator(a_python(directory, "echo x >> starts; exit 3"), directory, [], {})
    words = [await fails(translator) for _ in range(5)]
    assert words[0] == words[1]  # the first failure is made good at once
    assert all("keeps ending" in word for word in words[2:])
    assert (directory / "home" / "starts").read_text() == "x\nx\n"
    await translator.close()


def test_the_pause_between_starts() -> None:
    assert [pause(failures) for failures in (0, 1, 2, 3, 4, 20)] == [0, 0, 1, 2, 4, 60]


async def test_all_who_wait_get_the_one_that_is_started(directory: Path) -> None:
    python = a_python(directory, "echo x >> starts; read -r go < ../go; echo ready; exec cat")
    os.mkfifo(directory / "go")
    translator = Translator(python, directory, [], {"PATH": os.environ["PATH"]})
    waiting = [asyncio.ensure_future(translator.ready()) for _ in range(5)]
    leaving = asyncio.ensure_future(translator.ready())
    await turns()
    leaving.cancel()  # one who leaves takes nothing from the others
    await asyncio.to_thread((directory / "go").write_text, "go\n")
    origins = await asyncio.gather(*waiting)
    assert leaving.cancelled()
    assert len(set(map(str, origins))) == 1
    assert (directory / "home" / "starts").read_text() == "x\n"
    assert await translator.ready() == origins[0]
    pid = pid_of(translator)
    await translator.close()
    assert gone([pid])
    with pytest.raises(GatewayError, match="draining"):
        await translator.ready()


async def test_closed_while_it_starts(directory: Path) -> None:
    translator = Translator(a_python(directory, "echo $$ > pid; exec cat"), directory, [], dict(os.environ))
    waiting = asyncio.ensure_future(translator.ready())
    pid = directory / "home" / "pid"
    await asyncio.to_thread(wait_until, lambda: pid.exists() and pid.read_text().endswith("\n"))
    await translator.close()
    with pytest.raises(GatewayError, match="draining"):
        await waiting
    assert gone([int(pid.read_text())])


def test_the_childs_environment(tmp_path: Path) -> None:
    environ = {
        "PATH": "/bin",
        "HTTPS_PROXY": "http://proxy:1",
        "SSL_CERT_FILE": "/ca.pem",
        "HOME": "/home/operator",
        "HOUSESTYLE_ENCRYPTION_KEYS": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23",
        "GOOGLE_APPLICATION_CREDENTIALS": "/adc.json",
        "OPENAI_API_KEY": "secret",
        "PYTHONPATH": "/elsewhere",
    }
    given = child_environ(environ, tmp_path / "home", tmp_path / "packages")
    assert given["PATH"] == "/bin"
    assert given["HTTPS_PROXY"] == "http://proxy:1"
    assert given["REQUESTS_CA_BUNDLE"] == "/ca.pem"
    assert given["HOME"] == str(tmp_path / "home")
    assert given["PYTHONPATH"] == str(tmp_path / "packages")
    assert "secret" not in given.values()
    assert not {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} & given.keys()
    assert not {name for name in given if name.startswith(("GOOGLE_", "OPENAI_", "HOUSESTYLE_"))}


@needs_translator
async def test_killed_and_back(directory: Path) -> None:
    translator = Translator(PYTHON, directory, ALLOWED, os.environ)
    try:
        origin = await translator.ready()
        socket = Path(origin.unix)
        assert await asyncio.to_thread(mode_of, socket) == 0o600
        first = pid_of(translator)
        os.kill(first, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # asyncio's thread may have been first
            os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - the event loop is not to hear of it
        assert await translator.ready() == origin
        assert pid_of(translator) != first
        async with bedrock(Talk(socket), 1) as client:
            with pytest.raises(Exception, match="could not be reached"):
                await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    finally:
        await translator.close()


@needs_translator
def test_it_ends_with_its_gateway(tmp_path: Path) -> None:
    program = f"""
        import asyncio, os, pathlib, tempfile
        from gateway.translating import Translator

        async def main():
            directory = pathlib.Path(tempfile.mkdtemp())
            translator = Translator(pathlib.Path({str(PYTHON)!r}), directory, [], os.environ)
            await translator.ready()
            print(translator._process.pid, directory, flush=True)
            await asyncio.sleep(600)

        asyncio.run(main())
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as parent:
        assert parent.stdout is not None
        lines = iter(parent.stdout.readline, "")
        pid, directory = next(line.split() for line in lines if line.split()[0].isdigit())
        assert Path(directory).exists()
        parent.kill()
    wait_until(lambda: gone([int(pid)]), what="the translator's end")
    assert not Path(directory).exists()
