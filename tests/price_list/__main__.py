"""`python -m tests.price_list`: gateway/prices.json, made of the price list that the pinned litellm carries.

litellm's list has models by the thousand and fields by the dozen; kept are the prices of text tokens. Left out: a model
for which the list has no price, or a price of nothing, which it writes for "not known" as well as for "free"; prices by
request, second, picture or search; batches and other tiers of service.
"""

import json
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gateway.price_lists import Shipped
from gateway.prices import LongPrompt, Price

ROOT = Path(__file__).parents[2]
DATA = ROOT / "gateway" / "prices.json"
TRANSLATOR = ROOT / ".venv-translator"

_LIST = "model_prices_and_context_window_backup.json"
_MODES = ("chat", "responses", "completion", "embedding")
_FIELDS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cached_input": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
}
_ABOVE = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")
_ABOUT = (
    "US dollars for a million tokens of text, by litellm's name of the model. Written by scripts/prices; your own go "
    "into the file that HOUSESTYLE_PRICES names."
)


def litellm_list() -> Path | None:
    """litellm's own file; None where the translator's environment is not there."""
    return next(iter(sorted(TRANSLATOR.glob(f"lib/python3*/site-packages/litellm/{_LIST}"))), None)


def written() -> bytes:
    """What gateway/prices.json should hold. Raises FileNotFoundError."""
    path = litellm_list()
    if path is None:
        raise FileNotFoundError(f"There is no litellm in {TRANSLATOR}.")
    version, day = _pinned()
    listed = extract(json.loads(path.read_bytes()))
    return _lines(Shipped(_ABOUT, f"litellm {version}, {_LIST}", day, listed))


def extract(listed: Mapping[str, Mapping[str, Any]]) -> dict[str, Price]:
    """The prices of text, sorted by name."""
    found = {name: _price(row) for name, row in sorted(listed.items()) if row.get("mode") in _MODES}
    return {name: price for name, price in found.items() if price is not None}


def _price(row: Mapping[str, Any]) -> Price | None:
    prices = _rates(row, "")
    embeds = row["mode"] == "embedding"
    if not prices.get("input") or not (prices.get("output") or embeds):
        return None
    above = None
    for suffix in sorted(found[0].removeprefix(_FIELDS["input"]) for name in row if (found := _ABOVE.fullmatch(name))):
        limit = int(suffix.removeprefix("_above_").removesuffix("k_tokens")) * 1000
        dearer = {name: usd for name, usd in _rates(row, suffix).items() if name in prices}
        above = LongPrompt(limit, **{**prices, **dearer})
    return Price(**{"output": 0.0, **prices}, above=above, provider=row["litellm_provider"])


def _rates(row: Mapping[str, Any], suffix: str) -> dict[str, float]:
    told = {ours: row.get(theirs + suffix) for ours, theirs in _FIELDS.items()}
    return {name: round(value * 1e6, 6) for name, value in told.items() if value is not None}


def _pinned() -> tuple[str, str]:
    """litellm's version, and the day on which it came out."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    (package,) = (package for package in lock["package"] if package["name"] == "litellm")
    return package["version"], package["sdist"]["upload-time"][:10]


def _lines(shipped: Shipped) -> bytes:
    """A model a line, so that what changed can be read."""
    head = {name: getattr(shipped, name) for name in ("about", "source", "as_of")}
    rows = [f"    {_json(name)}: {_json(price)}" for name, price in shipped.models.items()]
    lines = [*(f"  {_json(name)}: {_json(value)}," for name, value in head.items()), '  "models": {']
    return "\n".join(["{", *lines, ",\n".join(rows), "  }", "}", ""]).encode()


def _json(value: str | Price) -> str:
    return json.dumps(msgspec.to_builtins(value), separators=(", ", ": "))


def main() -> int:
    """Writes the file, or says whether that is needed."""
    made = written()
    if "--check" in sys.argv[1:]:
        same = DATA.read_bytes() == made
        print("up to date" if same else f"{DATA.relative_to(ROOT)} is not what scripts/prices writes")  # noqa: T201
        return 0 if same else 1
    DATA.write_bytes(made)
    print(f"{DATA.relative_to(ROOT)}: {len(made):,} bytes")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
