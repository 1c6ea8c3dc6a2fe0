"""How a call finds its price, and what its tokens come to. The figures are those of gateway/prices.json."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway import price_lists
from gateway.prices import Asked, LongPrompt, Price, Prices, cost, undated
from gateway.wire.kinds import KINDS
from gateway.wire.served import Served

MINI = "gpt-4o-mini-2024-07-18"
TUNED = f"ft:{MINI}:acme:spring:Ab1"
HAIKU = "claude-haiku-4-5-20251001"


@cache
def shipped() -> Prices:
    """The list as it ships, without any of an operator's own."""
    return price_lists.load(None)


Tokens = dict[str, int | None]


def usd(asked: Asked, prices: Prices | None = None, tokens: Tokens | None = None) -> float | None:
    """What a call costs; of a million tokens in and a million out unless told otherwise."""
    served = replace(Served(asked.served, input_tokens=10**6, output_tokens=10**6), **(tokens or {}))
    rates = (prices or shipped()).rates(asked)
    return None if rates is None else cost(rates, served)


@pytest.mark.parametrize(
    ("kind", "routed", "served", "both"),
    [
        ("openai", "gpt-4o-mini", MINI, 0.15 + 0.6),
        ("openai", "gpt-4o-mini", None, 0.15 + 0.6),
        ("openai", "default", "gpt-4o-2024-05-13", 5.0 + 15.0),
        ("openai", "gpt-4o", "gpt-4o-2024-05-13", 5.0 + 15.0),
        ("openai", "gpt-4o-mini", "gpt-4o-mini-2099-01-01", 0.15 + 0.6),
        ("openai", "claude-haiku-4-5", None, None),
        ("openai", "gpt-0", "gpt-0", None),
        ("openai", None, None, None),
        ("openai_compatible", "gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", 0.4 + 1.6),
        ("openai_compatible", "meta-llama/Llama-3.1-8B-Instruct", None, None),
        ("azure_openai", "our-deployment", MINI, 0.15 + 0.6),
        ("azure_openai", "our-deployment", "gpt-4-turbo-2024-04-09", 11.0 + 33.0),
        ("azure_openai", "our-deployment", None, None),
        ("azure_openai", "gpt-4.1-nano", "gpt-4.1-nano-2025-04-14", 0.1 + 0.4),
        ("anthropic", "claude-haiku-4-5", HAIKU, 1.0 + 5.0),
        ("anthropic", "gpt-4o", None, None),
        ("together", "openai/gpt-oss-120b", None, 0.15 + 0.6),
        ("together", "gpt-4o", None, None),
        ("fireworks", "accounts/fireworks/models/llama-v3p1-8b-instruct", None, 0.1 + 0.1),
        ("fireworks", "llama-v3p1-8b-instruct", None, 0.1 + 0.1),
        ("bedrock", "anthropic.claude-haiku-4-5-20251001-v1:0", None, 1.0 + 5.0),
        ("bedrock", "us.meta.llama3-1-8b-instruct-v1:0", None, 0.22 + 0.22),
        (
            "bedrock",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.meta.llama3-1-8b-instruct-v1:0",
            None,
            0.22 + 0.22,
        ),
        ("bedrock", "moonshotai.kimi-k2-thinking", None, 0.6 + 2.5),
        ("vertex", "gemini-2.5-flash", "gemini-2.5-flash", 0.3 + 2.5),
        ("vertex", "claude-haiku-4-5", None, 1.0 + 5.0),
        ("vertex", "claude-haiku-4-5@20251001", None, 1.0 + 5.0),
        ("litellm", "groq/openai/gpt-oss-120b", "gpt-oss-120b", 0.15 + 0.6),
        ("litellm", "anthropic/claude-haiku-4-5", HAIKU, 1.0 + 5.0),
        ("litellm", "openai/gpt-4o-mini", MINI, 0.15 + 0.6),
        ("litellm", "openrouter/nobody/knows", "gpt-4o", None),
    ],
)
def test_stock_models_of_every_kind(kind: str, routed: str | None, served: str | None, both: float | None) -> None:
    assert usd(Asked(kind, routed, served)) == pytest.approx(both)


def test_every_kind_of_provider_is_priced() -> None:
    assert {usd(Asked(kind, "nobody-knows", None)) for kind in KINDS} == {None}


@pytest.mark.parametrize(
    ("kind", "routed", "served", "base", "both"),
    [
        ("openai", TUNED, TUNED, MINI, 0.3 + 1.2),
        ("openai", TUNED, None, None, 0.3 + 1.2),
        ("openai", TUNED, MINI, MINI, 0.3 + 1.2),
        ("openai", f"{TUNED}:ckpt-step-90", None, MINI, 0.3 + 1.2),
        ("openai", "ft:gpt-4.1-mini-2025-04-14:acme::Ab1", None, None, 0.8 + 3.2),
        ("openai", "ft:gpt-4o-mini:acme::Ab1", None, None, 0.3 + 1.2),
        ("openai", "ft:gpt-0:acme::Ab1", "gpt-4o", "gpt-4o", None),
        ("openai_compatible", TUNED, TUNED, MINI, 0.3 + 1.2),
        ("litellm", f"openai/{TUNED}", None, None, 0.3 + 1.2),
        ("azure_openai", "our-style", f"{MINI}.ft-0a1b", MINI, 0.15 + 0.6),
        ("azure_openai", "our-style", f"{MINI}.ft-0a1b", None, None),
        ("together", "acme/gpt-oss-120b-spring", None, "openai/gpt-oss-120b", 0.15 + 0.6),
        ("fireworks", "accounts/acme/models/spring", None, "llama-v3p1-8b-instruct", 0.1 + 0.1),
        ("fireworks", "accounts/acme/models/spring", None, None, None),
        ("vertex", "projects/p/locations/l/endpoints/12", None, "gemini-2.5-flash", 0.3 + 2.5),
        ("openai_compatible", "our-own-adapter", None, "gpt-oss-20b", None),
    ],
)
def test_fine_tuned_models(kind: str, routed: str, served: str | None, base: str | None, both: float | None) -> None:
    """OpenAI's at their own price, which is no base model's; others at the base model's, where that is known."""
    assert usd(Asked(kind, routed, served, fine_tuned=True, base_model=base)) == pytest.approx(both)


def test_a_base_model_is_not_asked_for_a_model_that_is_no_fine_tune() -> None:
    assert usd(Asked("together", "acme/x", None, base_model="openai/gpt-oss-120b")) is None


@pytest.mark.parametrize(
    ("model", "tokens", "expected"),
    [
        ("gpt-4o-mini", {"input_tokens": 1000, "output_tokens": 100}, 0.00021),
        ("gpt-4o-mini", {"input_tokens": 0, "output_tokens": 0}, 0.0),
        ("gpt-4o-mini", {"input_tokens": None}, None),
        ("gpt-4o-mini", {"output_tokens": None}, None),
        # 200 of 1000 at half the price: 800 × 0.15 + 200 × 0.075, and 100 × 0.6
        ("gpt-4o-mini", {"input_tokens": 1000, "output_tokens": 100, "cached_tokens": 200}, 0.000195),
        ("gpt-4o-mini", {"input_tokens": 1000, "output_tokens": 0, "cached_tokens": 5000}, 0.000075),
        ("text-embedding-3-small", {"input_tokens": 1000, "output_tokens": None}, 0.00002),
        ("text-embedding-3-small", {"input_tokens": 1000, "output_tokens": 0}, 0.00002),
    ],
)
def test_tokens(model: str, tokens: Tokens, expected: float | None) -> None:
    assert usd(Asked("openai", model, None), tokens=tokens) == expected


def test_anthropics_cache_counted_by_hand() -> None:
    """Haiku 4.5 is $1 in, $5 out, $0.10 read from the cache, $1.25 written to it: 3000 tokens are fresh here."""
    tokens: Tokens = {
        "input_tokens": 10_000,
        "output_tokens": 400,
        "cached_tokens": 5000,
        "cache_creation_tokens": 2000,
    }
    by_hand = (3000 * 1.0 + 5000 * 0.1 + 2000 * 1.25 + 400 * 5.0) / 1e6
    assert usd(Asked("anthropic", "claude-haiku-4-5", HAIKU), tokens=tokens) == by_hand == 0.008


@pytest.mark.parametrize(
    ("read", "cached", "expected"),
    [
        (200_000, 0, (200_000 * 1.25 + 1000 * 10.0) / 1e6),
        (200_001, 0, (200_001 * 2.5 + 1000 * 15.0) / 1e6),
        (300_000, 250_000, (50_000 * 2.5 + 250_000 * 0.25 + 1000 * 15.0) / 1e6),
    ],
)
def test_a_long_prompt_makes_every_token_dearer(read: int, cached: int, expected: float) -> None:
    tokens: Tokens = {"input_tokens": read, "output_tokens": 1000, "cached_tokens": cached}
    assert usd(Asked("vertex", "gemini-2.5-pro", None), tokens=tokens) == expected


def test_names_without_a_date_stand_for_dated_ones_that_agree() -> None:
    one, other = Price(1.0, 2.0), Price(1.0, 3.0)
    table = {
        "a-2024-01-01": one,
        "a-2025-01-01": one,
        "b-20240101": one,
        "b-20250101": other,
        "c": one,
        "c@20250101": other,
    }
    assert undated(table) == {"a": one}


def own(exact: dict[str, Price], *patterns: tuple[str, Price]) -> Prices:
    """The list as it ships, and these before it."""
    listed = shipped()
    return Prices(listed.table, exact, patterns, listed.as_of, listed.undated)


@pytest.mark.parametrize(
    ("exact", "asked"),
    [
        (["gpt-4o-mini"], Asked("openai", "gpt-4o-mini", MINI)),
        (["gpt-4o-mini"], Asked("openai", MINI, MINI)),
        ([MINI], Asked("openai", "gpt-4o-mini", MINI)),
        (["openai/gpt-4o-mini"], Asked("openai", "gpt-4o-mini", None)),
        (["azure_openai/gpt-4o"], Asked("azure_openai", "d", "gpt-4o")),
        (["azure/gpt-4o"], Asked("azure_openai", "d", "gpt-4o")),
        (["our-deployment"], Asked("azure_openai", "our-deployment", MINI)),
        (["groq/m"], Asked("litellm", "groq/m", "m")),
        ([TUNED], Asked("openai", TUNED, TUNED, fine_tuned=True)),
        ([f"ft:{MINI}"], Asked("openai", TUNED, TUNED, fine_tuned=True)),
        (["openai/gpt-oss-120b"], Asked("together", "acme/x", None, fine_tuned=True, base_model="openai/gpt-oss-120b")),
    ],
)
def test_prices_of_ones_own_come_first(exact: list[str], asked: Asked) -> None:
    assert usd(asked, own({name: Price(100.0, 11.0) for name in exact})) == 111.0


@pytest.mark.parametrize(
    ("exact", "asked"),
    [
        (["anthropic/gpt-4o-mini"], Asked("openai", "gpt-4o-mini", None)),
        (["gpt-4o-mini"], Asked("openai", TUNED, MINI, fine_tuned=True, base_model="gpt-4o-mini")),
        (["gpt-4o-min"], Asked("openai", "gpt-4o-mini", None)),
    ],
)
def test_what_a_price_of_ones_own_is_not_for(exact: list[str], asked: Asked) -> None:
    assert usd(asked, own({name: Price(100.0, 11.0) for name in exact})) == usd(asked)


def test_patterns() -> None:
    """The longest that fits; a whole name before any of them; an answer's name and a question's both count."""
    prices = own({TUNED: Price(5.0, 0.0)}, ("ft:gpt-4.1-mini-", Price(4.0, 0.0)), ("ft:", Price(3.0, 0.0)))
    assert usd(Asked("openai", TUNED, None), prices) == 5.0
    assert usd(Asked("openai", "ft:gpt-4.1-mini-2025-04-14:a::b", None), prices) == 4.0
    assert usd(Asked("openai", "ft:gpt-0:a::b", None), prices) == 3.0
    assert usd(Asked("openai", "gpt-4o-mini", None), prices) == 0.75
    at_home = own({}, ("openai_compatible/", Price(0.0, 0.0)))
    assert usd(Asked("openai_compatible", "our-own", None), at_home) == 0.0
    assert usd(Asked("openai", "our-own", None), at_home) is None


_TOKENS = st.integers(0, 2**63 - 1) | st.integers(0, 500_000)
_USD = st.floats(0, 1e6, allow_subnormal=False)
_SOME = st.none() | _USD


@st.composite
def _prices(draw: st.DrawFn) -> Price:
    """With a price of long prompts that is no lower."""
    rates: dict[str, Any] = {name: draw(_USD) for name in ("input", "output")}
    rates |= {name: draw(_SOME) for name in ("cached_input", "cache_write")}
    if not draw(st.booleans()):
        return Price(**rates)
    dearer: dict[str, Any] = {name: None if usd is None else usd * draw(st.floats(1, 5)) for name, usd in rates.items()}
    return Price(**rates, above=LongPrompt(draw(st.integers(0, 500_000)), **dearer))


@given(_prices(), _TOKENS, _TOKENS, _TOKENS, _TOKENS, _TOKENS, _TOKENS)
def test_more_tokens_cost_no_less(
    price: Price, cached: int, kept: int, read: int, more_read: int, written: int, more_written: int
) -> None:
    """Whatever a provider says of its cache, also more than there is."""
    prices = Prices({}, {"m": price})
    read, more_read = sorted((read, more_read))
    written, more_written = sorted((written, more_written))
    asked = Asked("openai", "m", None)

    def costs(read: int, written: int) -> float | None:
        cache: Tokens = {"cached_tokens": cached, "cache_creation_tokens": kept}
        return usd(asked, prices, {"input_tokens": read, "output_tokens": written, **cache})

    least, other, most = costs(read, written), costs(more_read, written), costs(more_read, more_written)
    assert least is not None
    assert other is not None
    assert most is not None
    assert 0 <= least <= other <= most
