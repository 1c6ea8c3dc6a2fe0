"""One translator, with litellm's real code, for all tests of a test process: its import takes seconds."""

import asyncio
import ipaddress
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.translating import Translator
from tests.gateway.translator.talking import PYTHON, Talk


@pytest.fixture(scope="session")
def talk() -> Iterator[Talk]:
    """A translator that may reach 127.0.0.1, and nothing else on this machine."""
    if not PYTHON.exists():
        pytest.skip(f"there is no {PYTHON.parents[1].name}: scripts/test makes it")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with tempfile.TemporaryDirectory() as directory:
        allowed = [ipaddress.ip_network("127.0.0.1/32")]
        # What an operator's environment may hold, and what no tenant's call may use.
        environ = {**os.environ, "AWS_ACCESS_KEY_ID": "operator", "AWS_SECRET_ACCESS_KEY": "operator"}
        translator = Translator(PYTHON, Path(directory), allowed, environ)
        try:
            origin = asyncio.run_coroutine_threadsafe(translator.ready(), loop).result(180)
            yield Talk(Path(origin.unix))
        finally:
            asyncio.run_coroutine_threadsafe(translator.close(), loop).result(60)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
