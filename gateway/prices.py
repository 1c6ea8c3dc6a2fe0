"""What a call costs, in US dollars: prices by model, and how a call finds its own. Pure: no file is read here (that is
`price_lists.py`'s), and where a price is not known there is none; nothing is guessed.

Names and prices are those of litellm's table. Tokens are counted as `Served` has them: the cached ones, read and
written, are in the input's.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from gateway.wire.served import Served

_DATE = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|\d{8})$")
_PICO = 10**12


class LongPrompt(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What every token of a call costs where its input has more than `tokens`."""

    tokens: int
    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None


class Price(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """US dollars for a million tokens. Cached input without a price of its own costs what other input costs.

    `output` is 0 where there is none, as for embeddings. `provider` is litellm's; empty for a price of the operator's.
    """

    input: float
    output: float = 0.0
    cached_input: float | None = None
    cache_write: float | None = None
    above: LongPrompt | None = None
    provider: str = ""


class Rates(Struct, frozen=True):
    """A price as calls are counted by it: whole picodollars for a token, so that a sum is exact."""

    input: int
    output: int
    cached_input: int
    cache_write: int
    limit: int = 0
    above: "Rates | None" = None


class _Naming(Struct, frozen=True):
    """How the table names a kind's models: what stands before the name, in the order in which it is tried; and whose
    rows those are, by the beginning of the provider's name."""

    prefixes: tuple[str, ...]
    providers: tuple[str, ...]


_OPENAI = _Naming(("",), ("openai", "text-completion-openai"))
_NAMING = {
    "openai": _OPENAI,
    "openai_compatible": _OPENAI,
    "together": _Naming(("together_ai/",), ("together_ai",)),
    "fireworks": _Naming(("fireworks_ai/", "fireworks_ai/accounts/fireworks/models/"), ("fireworks_ai",)),
    "azure_openai": _Naming(("azure/", ""), ("azure", *_OPENAI.providers)),
    "anthropic": _Naming(("",), ("anthropic",)),
    "bedrock": _Naming(("", "bedrock/"), ("bedrock",)),
    "vertex": _Naming(("vertex_ai/", ""), ("vertex_ai",)),
}


class Asked(Struct, frozen=True):
    """What a price is looked up by. `kind` is the provider's; `base_model` the fine-tune's, where that is known."""

    kind: str
    routed: str | None
    served: str | None
    fine_tuned: bool = False
    base_model: str | None = None


class Prices(Struct, frozen=True, eq=False):
    """Every price that is known: the table's, and the operator's own, which come first. One for a process.

    `own` by name; `patterns` by the name's beginning, the longest first. `as_of` is the table's day.
    """

    table: Mapping[str, Price]
    own: Mapping[str, Price] = {}
    patterns: tuple[tuple[str, Price], ...] = ()
    as_of: str = ""
    undated: Mapping[str, Price] = {}

    def rates(self, asked: Asked) -> Rates | None:
        """What such calls are counted by; None where their price is not known."""
        price = self.find(asked)
        return None if price is None else _rates(price)

    def find(self, asked: Asked) -> Price | None:
        """The price of a model: the one that answered, else the one that was asked.

        A fine-tune without a price of its own has its base model's, but for OpenAI's (`ft:…`), which cost more.
        """
        naming = _naming(asked)
        names = [name for name in (asked.served, asked.routed) if name]
        its_own = [name for name in names if _is_openais(name)]
        found = self._first(asked.kind, naming, its_own or names)
        if found is None and not its_own and asked.fine_tuned and asked.base_model:
            return self._first(asked.kind, naming, [asked.base_model])
        return found

    def _first(self, kind: str, naming: _Naming, names: list[str]) -> Price | None:
        """The first that is known: of the operator's own the exact ones before the patterns, then the table's."""
        forms = [form for name in names for form in _forms(name, naming)]
        before = (f"{kind}/", *naming.prefixes, "")
        said = [start + form for form in forms for start in before]
        for name in said:
            if name in self.own:
                return self.own[name]
        for start, price in self.patterns:
            if any(name.startswith(start) for name in said):
                return price
        for form in forms:
            for prefix in naming.prefixes:
                listed = self.table.get(prefix + form) or self.undated.get(prefix + form)
                if listed is not None and listed.provider.startswith(naming.providers):
                    return listed
        return None


def undated(table: Mapping[str, Price]) -> dict[str, Price]:
    """What models cost by names without their date, where the table has those with one alone and they agree."""
    found: dict[str, set[Price]] = {}
    for name, price in table.items():
        plain = _DATE.sub("", name)
        if plain not in table:
            found.setdefault(plain, set()).add(price)
    return {name: prices.pop() for name, prices in found.items() if len(prices) == 1}


def _naming(asked: Asked) -> _Naming:
    """A `litellm` provider's models carry their provider's name before a slash, though an answer may leave it out."""
    if asked.kind != "litellm":
        return _NAMING[asked.kind]
    word = (asked.routed or asked.served or "").partition("/")[0]
    return _Naming((f"{word}/", ""), (word,))


def _forms(name: str, naming: _Naming) -> Iterator[str]:
    """A name as lists may have it: whole, without what makes a fine-tune one of many, without its date."""
    bare = name.rpartition("/")[2] if name.startswith("arn:") else name
    for prefix in naming.prefixes:
        bare = bare.removeprefix(prefix)
    yield bare
    if bare.startswith("ft:"):
        bare = ":".join(bare.split(":", 2)[:2])
        yield bare
    plain = _DATE.sub("", bare)
    if plain != bare:
        yield plain


def _is_openais(name: str) -> bool:
    return name.rpartition("/")[2].startswith("ft:")


def _rates(price: Price) -> Rates:
    if price.above is None:
        return Rates(*_picodollars(price))
    return Rates(*_picodollars(price), price.above.tokens, Rates(*_picodollars(price.above)))


def _picodollars(price: Price | LongPrompt) -> tuple[int, int, int, int]:
    cached = price.input if price.cached_input is None else price.cached_input
    kept = price.input if price.cache_write is None else price.cache_write
    return round(price.input * 1e6), round(price.output * 1e6), round(cached * 1e6), round(kept * 1e6)


def cost(rates: Rates, served: Served) -> float | None:
    """US dollars of one call; None where its tokens are not known."""
    read, written = served.input_tokens, served.output_tokens
    if read is None or (written is None and rates.output):
        return None
    if rates.above is not None and read > rates.limit:
        rates = rates.above
    total = written * rates.output if written else 0
    if served.cached_tokens:
        cached = min(served.cached_tokens, read)
        read -= cached
        total += cached * rates.cached_input
    if served.cache_creation_tokens:
        kept = min(served.cache_creation_tokens, read)
        read -= kept
        total += kept * rates.cache_write
    return (total + read * rates.input) / _PICO
