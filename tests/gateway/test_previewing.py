"""Previews in a process of their own: one at a time, ended in time, kept for minutes, with nothing of the gateway's."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from finetune.vaults import Source
from gateway.errors import GatewayError
from gateway.previewing import Order, Previewer
from tests.support.jobs import job_value
from tests.support.processes import children, gone
from tests.support.upstream import Peer, Received, upstream
from tests.support.vaults import write_vault


def order(url: str, *roots: str, **more: Any) -> Order:
    job = job_value(backend="openai", base_model="gpt-4.1-mini-2025-04-14", **more)
    return Order(Source(url), roots, ("127.0.0.0/8",), job, 0, 60.0)


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return write_vault(tmp_path / "v.jsonl", 12)


def of_file(vault: Path, **more: Any) -> Order:
    return order(vault.as_uri(), vault.parent.as_uri() + "/", **more)


def previewing() -> list[int]:
    """The children that make previews now."""
    return [pid for pid, command in children(os.getpid()).items() if " gateway preview" in command]


class Hanging(Struct):
    """A server that takes a request and says nothing. `asked`: it has one."""

    url: str
    asked: asyncio.Event

    @property
    def order(self) -> Order:
        """For a Vault there."""
        return order(f"{self.url}/v.jsonl", f"{self.url}/")


@pytest.fixture
async def hanging() -> AsyncIterator[Hanging]:
    asked = asyncio.Event()

    async def hang(_: Received, peer: Peer) -> None:
        asked.set()
        await peer.gone()

    async with upstream(hang) as server:
        yield Hanging(server.url, asked)


async def test_it_is_kept_for_some_minutes(vault: Path) -> None:
    now = [0.0]
    previewer = Previewer(os.environ, clock=lambda: now[0])
    first = await previewer.preview(of_file(vault, label="One"))
    assert first.ready_chunks == 12
    write_vault(vault, 15)
    assert await previewer.preview(of_file(vault, label="Another", id="job_2")) is first
    assert (await previewer.preview(of_file(vault, hyperparameters={"n_epochs": 1}))).ready_chunks == 15
    now[0] += 301
    assert (await previewer.preview(of_file(vault))).ready_chunks == 15


async def test_one_that_takes_too_long_is_ended(vault: Path) -> None:
    sleeping = "import time; time.sleep(600)"  # it would not end itself either
    with pytest.raises(GatewayError) as raised:
        await Previewer(os.environ, (sys.executable, "-c", sleeping), seconds=1).preview(of_file(vault))
    assert (raised.value.code, raised.value.kind.status) == ("preview_timed_out", 504)
    assert not any(sleeping in command for command in children(os.getpid()).values())


async def test_a_second_one_waits_for_its_turn_and_not_for_ever(hanging: Hanging, vault: Path) -> None:
    previewer = Previewer(os.environ, turn_seconds=0.2)
    asking = asyncio.create_task(previewer.preview(hanging.order))
    await hanging.asked.wait()
    pids = previewing()
    with pytest.raises(GatewayError) as raised:
        await previewer.preview(of_file(vault))
    assert (raised.value.code, raised.value.kind.status) == ("preview_busy", 429)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert gone(pids)
    assert (await previewer.preview(of_file(vault))).ready_chunks == 12


@pytest.mark.parametrize(
    ("url", "root", "code"),
    [
        ("file:///nothing/there.jsonl", "file:///nothing/", "vault_unreadable"),
        ("file:///elsewhere.jsonl", "file:///nothing/", "vault_not_allowed"),
        ("http://10.1.2.3/v.jsonl", "http://10.1.2.3/", "vault_not_allowed"),
    ],
)
async def test_a_vault_that_cannot_be_read_is_told_in_words(url: str, root: str, code: str) -> None:
    with pytest.raises(GatewayError) as raised:
        await Previewer(os.environ).preview(order(url, root))
    assert raised.value.code == code
    assert raised.value.message


async def test_a_child_that_dies_is_told_of(vault: Path) -> None:
    for program in ("raise SystemExit(3)", "print('{')", "import os; os.kill(os.getpid(), 9)"):
        with pytest.raises(GatewayError) as raised:
            await Previewer(os.environ, (sys.executable, "-c", program)).preview(of_file(vault))
        assert (raised.value.code, raised.value.kind.status) == ("preview_failed", 500)


async def test_the_child_has_nothing_of_the_gateways(vault: Path) -> None:
    program = (
        "import json, os; names = [n for n in os.environ if n.startswith(('HOUSESTYLE_', 'OPENAI_'))]; "
        "print(json.dumps({'type': 'refused', 'code': 'vault_unreadable', 'message': str(names)}))"
    )
    environ = {**os.environ, "HOUSESTYLE_ADMIN_KEY": "hs_secret", "OPENAI_API_KEY": "sk-operator"}
    with pytest.raises(GatewayError) as raised:
        await Previewer(environ, (sys.executable, "-c", program)).preview(of_file(vault))
    assert raised.value.message == "[]"


def test_an_order_shows_no_secret() -> None:
    secret = Order(Source("https://x/y", secrets={"token": "abc"}), (), (), job_value(), 0, 1.0)
    assert "abc" not in repr(secret)
