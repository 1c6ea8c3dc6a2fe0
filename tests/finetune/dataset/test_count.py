from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.dataset.count import TOKENS_PER_EXAMPLE, estimate_tokens, open_counter, vocabulary_of

NEW, OLD = open_counter("gpt-4o"), open_counter("gpt-4")
CLAUSE = (
    "7.2 Notice. The Keeper shall give the Owner thirty (30) days' notice in writing.\n\nNo notice is given by fax.\n"
)


@pytest.mark.parametrize(
    ("model", "vocabulary"),
    [
        ("gpt-4.1-mini-2025-04-14", "o200k_base"),
        ("gpt-4.1", "o200k_base"),
        ("gpt-4o", "o200k_base"),
        ("GPT-4o-mini", "o200k_base"),
        ("gpt-5", "o200k_base"),
        ("gpt-5.4-mini-2026-03-17", "o200k_base"),
        ("o4-mini-2025-04-16", "o200k_base"),
        ("o1", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-0613", "cl100k_base"),
        ("gpt-3.5-turbo-0125", "cl100k_base"),
        ("ft:gpt-4o-mini-2024-07-18:org:suffix:id", "o200k_base"),
        ("ft:gpt-3.5-turbo-0125:org::id", "cl100k_base"),
        ("openai/gpt-4.1-nano", "o200k_base"),
        ("accounts/fireworks/models/gpt-oss-20b", "o200k_base"),
        ("gpt-4.7", None),
        ("gpt-40", None),
        ("o100-mini", None),
        ("meta-llama/Llama-3.3-70B-Instruct", None),
        ("claude-haiku-4-5", None),
        ("gemini-2.5-flash", None),
        ("amazon.nova-pro-v1:0", None),
        ("sandbox-small", None),
        ("", None),
    ],
)
def test_vocabulary(model: str, vocabulary: str | None) -> None:
    counter = open_counter(model)
    assert vocabulary_of(model) == vocabulary
    assert counter.method == (vocabulary or "estimate")
    assert (counter.error is None) == (vocabulary is not None)


@pytest.mark.parametrize(
    ("text", "new", "old"),
    [  # by tiktoken 0.14
        ("", 0, 0),
        ("The Keeper shall prune.", 5, 5),
        ("$1,200.50", 6, 6),
        (CLAUSE, 28, 28),
        ("naïve café — “quoted”", 8, 8),
        ("<|endoftext|>", 7, 7),
        ("a<|endofprompt|>b<|fim_prefix|>", 15, 16),
        ("\r\n\r\n  \n", 2, 2),
        ("日本語のテキスト", 6, 8),
    ],
)
def test_counts_are_the_vocabularys(text: str, new: int, old: int) -> None:
    assert (NEW.count(text), OLD.count(text)) == (new, old)


def test_a_long_text_is_counted_within_a_few_tokens() -> None:
    assert 16_800 <= NEW.count(CLAUSE * 600) <= 16_802
    assert NEW.count("x" * 1_000_000) == 125_000
    assert OLD.count("日" * 1_000_000) == 1_000_000


@given(st.text(st.characters(exclude_categories=[])))
def test_every_text_has_a_count(text: str) -> None:
    """Half a surrogate pair too, as JSON may have it."""
    for counter in (NEW, OLD):
        assert len(text) / 200 <= counter.count(text) <= len(text.encode(errors="surrogatepass"))
    assert estimate_tokens(text) >= 0


def test_threads_count_alike() -> None:
    texts = [CLAUSE * (1 + number % 7) + str(number) for number in range(400)]
    alone = list(map(NEW.count, texts))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(NEW.count, texts)) == alone
    assert alone[0] < alone[1]


def test_without_the_package_there_is_an_estimate_that_says_so() -> None:
    """In a process of its own, in which the package cannot be imported."""
    code = """if True:
        import sys
        sys.modules["bpe_openai"] = None
        from finetune.dataset.count import estimate_tokens, open_counter
        counter = open_counter("gpt-4.1-mini")
        assert counter.count("The Keeper shall prune.") == estimate_tokens("The Keeper shall prune.")
        print(counter.method, counter.error)
    """
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("estimate over a data set")
    assert "housestyle[tokens]" in ended.stdout


def test_the_vocabularies_are_not_loaded_at_import() -> None:
    code = "import sys, finetune.dataset.count; print('bpe_openai' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"


def test_an_example_costs_what_the_cookbook_adds() -> None:
    """Two messages of three tokens and a role each, and three that begin the reply."""
    assert TOKENS_PER_EXAMPLE == 11


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("The Keeper shall prune.", 5),
        ("$1,200.50", 6),
        ("NOTWITHSTANDING", 4),
        ("x" * 140, 14),
        ("a" + " " * 1000 + "b", 2),
        ("Page" + "." * 100 + "7", 28),
        ("one\n\n\n  two", 3),
    ],
)
def test_estimate(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@pytest.mark.parametrize("text", [CLAUSE, CLAUSE.upper(), CLAUSE.replace(". ", ".\n\n"), "Fees: $1,250.00 (USD)\n" * 9])
def test_the_estimate_is_not_far_off(text: str) -> None:
    assert 0.8 < estimate_tokens(text) / NEW.count(text) < 1.3


@given(st.text(), st.text())
def test_more_text_never_costs_less(one: str, other: str) -> None:
    assert estimate_tokens(f"{one} {other}") >= max(estimate_tokens(one), estimate_tokens(other))
