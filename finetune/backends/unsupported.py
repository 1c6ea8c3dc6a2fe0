"""Providers whose fine-tuning is still to be written: they fill the protocol, and say so wherever they are asked.

A backend that is written takes its name out of `NAMES` and gets a file of its own.
"""

from pathlib import Path
from typing import NoReturn

import httpx2

from finetune.backends.base import Access, Factory, Order, Refused

NAMES = ("azure_openai", "anthropic", "bedrock", "vertex", "together", "fireworks")

_NO_API = "Anthropic offers no API for fine-tuning, so there is none to call."


class Unsupported:
    """See Backend. Raises Refused `backend_not_supported_yet`, whatever is asked."""

    def __init__(self, name: str) -> None:
        self._words = f"Fine-tuning with the backend {name} is not supported yet."
        if name == "anthropic":
            self._words += f" {_NO_API}"

    async def _refuse(self, *_: object) -> NoReturn:
        raise Refused("backend_not_supported_yet", self._words)

    async def check(self) -> NoReturn:
        """See Backend."""
        await self._refuse()

    async def upload(self, name: str, file: Path) -> NoReturn:
        """See Backend."""
        await self._refuse(name, file)

    async def create_job(self, order: Order) -> NoReturn:
        """See Backend."""
        await self._refuse(order)

    async def close(self) -> None:
        """See Backend."""

    find_file = delete_file = find_job = job = events = checkpoints = results = cancel = is_usable = _refuse


def factories() -> dict[str, Factory]:
    """A factory for each of NAMES."""

    def made(name: str) -> Factory:
        def factory(_: Access, __: httpx2.AsyncClient) -> Unsupported:
            return Unsupported(name)

        return factory

    return {name: made(name) for name in NAMES}
