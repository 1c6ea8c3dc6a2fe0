"""Where prices come from: the list that ships, and the operator's own file, which HOUSESTYLE_PRICES names. Read once,
at start; what a call costs by them is in `prices.py`.

The list that ships (`prices.json`) is an extract of litellm's, written by `scripts/prices`; litellm is not needed here.
"""

import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from gateway import plain, prices
from gateway.prices import Price, Prices
from gateway.settings import SettingsError

VARIABLE = "HOUSESTYLE_PRICES"

_NEEDED = ("input", "output")
_FIELDS = ("input", "output", "cached_input", "cache_write")
_MOST = 1_000_000.0  # dollars for a million tokens: beyond that somebody has written another unit


class Shipped(Struct, frozen=True):
    """`prices.json`: dollars for a million tokens by litellm's name of a model; `as_of`: when that litellm came out."""

    about: str
    source: str
    as_of: str
    models: dict[str, Price]


def load(path: Path | None) -> Prices:
    """All prices: the list's, and those of the file at `path`. Raises SettingsError."""
    shipped = _shipped()
    own = {} if path is None else read(path)
    exact = {name: price for name, price in own.items() if not name.endswith("*")}
    patterns = sorted(((name[:-1], own[name]) for name in own.keys() - exact), key=lambda one: -len(one[0]))
    return Prices(shipped.models, exact, tuple(patterns), shipped.as_of, prices.undated(shipped.models))


def read(path: Path) -> dict[str, Price]:
    """The operator's own prices, by what they wrote for a model. Raises SettingsError: variable, file, key, words."""
    try:
        said = plain.load(path.read_bytes())
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror or type(error).__name__}") from None
    except plain.NotPlain as error:
        raise _refused(path, str(error)) from None
    if not isinstance(said, dict):
        raise _refused(path, "must be a mapping from models to their prices")
    return {name: _price(path, name, its) for name, its in said.items()}


def _price(path: Path, name: str, said: Any) -> Price:
    if not name or "*" in name[:-1]:
        raise _refused(path, f"{name!r}: a model's name is wanted, with `*` at its end or nowhere")
    if not isinstance(said, Mapping):
        raise _refused(path, f"{name}: must be a mapping with {' and '.join(_NEEDED)}")
    for field in said.keys() - _FIELDS:
        raise _refused(path, f"{name}.{field}: is not known; there are {', '.join(_FIELDS)}")
    for field in _NEEDED:
        if field not in said:
            raise _refused(path, f"{name}.{field}: is missing (0 where there is none, as the output of embeddings)")
    for field, value in said.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _refused(path, f"{name}.{field}: must be a number of US dollars for a million tokens")
        if not 0 <= value <= _MOST:
            raise _refused(path, f"{name}.{field}: must be 0 to {_MOST:,.0f} US dollars for a million tokens")
    return msgspec.convert(said, Price)


def _refused(path: Path, words: str) -> SettingsError:
    return SettingsError(f"{VARIABLE}: {path}: {words}")


@cache
def _shipped() -> Shipped:
    return msgspec.json.decode((files("gateway") / "prices.json").read_bytes(), type=Shipped)
