"""Reading a Vault within a time."""

import asyncio
import ipaddress

import msgspec

from finetune.vaults import Options, Source, Tally
from finetune.vaults.options import Api
from gateway.admin.vault_sources import read
from gateway.secrets import Keyring
from gateway.upstream.addresses import Guard
from gateway.vault_opening import VaultOpener
from tests.support.upstream import Peer, Received, upstream
from tests.support.vaults import record

KEYRING = Keyring((b"k" * 32,))
LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
PATIENCE = (0.1, 1.0, 25.0)  # in seconds: the first that is enough for two records is


async def test_what_was_counted_until_then_is_kept() -> None:
    gone = asyncio.Event()

    async def one_page(request: Received, peer: Peer) -> None:
        if "cursor=" not in request.target:
            await peer.answer(msgspec.json.encode({"items": [record(1), record(2)], "next_cursor": "2"}))
            return
        await peer.gone()
        gone.set()

    async with upstream(one_page) as server:
        opener = VaultOpener(KEYRING, Guard((LOOPBACK,)), None, (server.url,))
        source = Source(f"{server.url}/chunks", Options(api=Api()))
        for seconds in PATIENCE:
            tally = Tally()
            assert await read(opener, "acme", source, seconds, tally) is False
            if tally.ready:
                break
        assert tally.ready == 2
        async with asyncio.timeout(30):
            await gone.wait()  # its thread does not read on where nobody waits
