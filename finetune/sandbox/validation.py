"""The checks a training file has to pass, as the provider makes them. Pure: lines in, a report out.

What happens to a job whose file fails is training.py's business, what is refused at upload files.py's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeGuard

import msgspec
from msgspec import Struct

from finetune.sandbox.text import tokenise

LEAST_EXAMPLES = 10
LONGEST_LINE = 16 * 1024 * 1024
_PROBLEMS_SHOWN = 5

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_EXAMPLE_KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})
_MESSAGE_KEYS = frozenset(
    {"role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal"}
)
_SPECIAL = re.compile(r"<\|[^\n]*?\|>")
_BOM = b"\xef\xbb\xbf"


class LineProblem(Exception):
    """What is wrong with one line."""


class Report(Struct, frozen=True):
    """`reason` is None for a file that may be trained on; else it names the lines that may not."""

    examples: int
    tokens: int
    reason: str | None


def check(lines: Iterable[bytes]) -> Report:
    examples = tokens = wrong = 0
    shown: list[str] = []
    for number, line in enumerate(lines, 1):
        try:
            tokens += _check_line(line, first=number == 1)
            examples += 1
        except LineProblem as problem:
            wrong += 1
            if wrong <= _PROBLEMS_SHOWN:
                shown.append(f"Line {number}: {problem}")
    if wrong:
        more = f" And {wrong - _PROBLEMS_SHOWN} more." if wrong > _PROBLEMS_SHOWN else ""
        return Report(examples, tokens, " ".join(shown) + more)
    if examples < LEAST_EXAMPLES:
        reason = f"Training file has {examples} example(s), but must have at least {LEAST_EXAMPLES} examples."
        return Report(examples, tokens, reason)
    return Report(examples, tokens, None)


def assistant_texts(lines: Iterable[bytes]) -> Iterator[str]:
    """What the assistant says in a file that passed `check`: the text a model learns from."""
    for line in lines:
        for message in msgspec.json.decode(line)["messages"]:
            if message["role"] == "assistant" and message.get("weight") != 0:
                yield content_text(message.get("content")) or ""


def content_text(content: object) -> str | None:
    """The text of a message's content, a string or text parts; None for anything else."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") for part in content if _is_text_part(part)]
        return "".join(str(part) for part in parts) if parts and len(parts) == len(content) else None
    return None


def _is_text_part(part: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)


def _check_line(line: bytes, *, first: bool) -> int:
    """The line's tokens; LineProblem says what is wrong with it."""
    if first and line.startswith(_BOM):
        raise LineProblem("the file starts with a byte order mark; it must be UTF-8 without one.")
    if len(line) > LONGEST_LINE:
        raise LineProblem(f"the line is longer than {LONGEST_LINE} bytes.")
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        raise LineProblem("the line is not valid UTF-8.") from None
    try:
        example = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        raise LineProblem("every line must be a valid JSON dictionary; this one is not valid JSON.") from None
    if not isinstance(example, dict):
        raise LineProblem("every line must be a valid JSON dictionary; this one is not a dictionary.")
    if unknown := sorted(example.keys() - _EXAMPLE_KEYS):
        raise LineProblem(f"unexpected key(s): {', '.join(unknown)}.")
    messages = example.get("messages")
    if not isinstance(messages, list) or not messages:
        raise LineProblem("'messages' must be a list with at least one message.")
    tokens = sum(_check_message(message, number) for number, message in enumerate(messages, 1))
    last = messages[-1]
    if last["role"] != "assistant":
        raise LineProblem("the last message must be from the assistant.")
    if not (content_text(last.get("content")) or "").strip():
        raise LineProblem("the last message must have content.")
    return tokens


def _check_message(message: object, number: int) -> int:
    if not isinstance(message, dict):
        raise LineProblem(f"message {number} is not a dictionary.")
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise LineProblem(f"message {number} has an invalid role; use one of {', '.join(sorted(ROLES))}.")
    if unknown := sorted(message.keys() - _MESSAGE_KEYS):
        raise LineProblem(f"message {number} has unexpected key(s): {', '.join(unknown)}.")
    text = content_text(message.get("content"))
    if text is None and not (role == "assistant" and {"tool_calls", "function_call"} & message.keys()):
        raise LineProblem(f"message {number} has no text content.")
    if message.get("weight", 1) not in (0, 1):
        raise LineProblem(f"message {number} has a weight that is neither 0 nor 1.")
    if special := _SPECIAL.search(text or ""):
        raise LineProblem(f"message {number} contains a special token, which is not allowed: {special.group()}")
    return len(tokenise(text or "")) + 4
