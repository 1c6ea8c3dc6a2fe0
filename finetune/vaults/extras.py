"""What a kind of Vault needs that is installed only where it is wanted, and the loop that such libraries run on.

Nothing of theirs is imported here.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fsspec.asyn import get_loop

from finetune.vaults.base import VaultUnreadable

T = TypeVar("T")


def missing_extra(what: str, extra: str) -> VaultUnreadable:
    """The error of a kind of Vault whose library is not here."""
    return VaultUnreadable(f"{what} need the extra: pip install 'housestyle[{extra}]'", place="this installation")


def run(work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
    """What `work` gives, done on fsspec's loop, which has a thread of its own. For other threads than that."""
    return asyncio.run_coroutine_threadsafe(work, get_loop()).result(seconds)
