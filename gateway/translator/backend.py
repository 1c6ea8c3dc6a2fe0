"""litellm, imported once and kept quiet: no telemetry, no callbacks, no retries, no words about prompts. Nothing else
imports it.
"""

import contextlib
import ipaddress
import logging
import traceback
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

import httpx

from gateway.translator import answers
from gateway.translator.answers import Error, Failure
from gateway.translator.asked import Asked, is_googles
from gateway.translator.floor import Call, calling
from gateway.translator.saying import say
from gateway.upstream.addresses import AddressNotAllowed, Guard, Network, parse_base_url

# The gateway's time-outs are in force: it closes the connection, and the call ends. These are for what it cannot see.
_TIMEOUT = httpx.Timeout(3600.0, connect=30.0)
_EVERY_CALL: dict[str, Any] = {
    "timeout": _TIMEOUT,
    "num_retries": 0,
    "max_retries": 0,
    "drop_params": False,  # a parameter that the provider does not have is refused, not passed over
    "_skip_mcp_handler": True,  # a tool is the caller's to run, never litellm's
}


class Failed(Exception):
    """The call came to nothing; `error` is what the caller hears."""

    def __init__(self, error: Error) -> None:
        self.error = error
        super().__init__(error.code)


class Backend:
    """Asks a provider. `allowed` are the networks of HOUSESTYLE_UPSTREAM_ALLOW. Made once; it takes seconds."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        logging.disable(logging.CRITICAL)  # litellm's messages have prompts in them
        import litellm  # seconds of CPU, and 200 MB

        litellm.suppress_debug_info = True
        litellm.telemetry = False
        litellm.turn_off_message_logging = True
        litellm.disable_streaming_logging = True
        litellm.disable_aiohttp_transport = True  # httpx alone: see floor.py
        litellm.callbacks = []
        litellm.cache = None
        self._litellm = litellm
        self._allowed = tuple(allowed)
        self._guard = Guard(allowed)

    async def answer(self, asked: Asked) -> dict[str, Any]:
        """The whole answer. Raises Failed."""
        async with calling() as call:
            try:
                await self._judge(asked)
                found = await self._litellm.acompletion(**asked.arguments, **_EVERY_CALL)
                return answers.plain(found.model_dump(), _known(asked))
            except Exception as error:  # litellm raises anything; each becomes an error in words
                raise _failed(error, call, asked) from error

    async def stream(self, asked: Asked) -> AsyncGenerator[list[dict[str, Any]], None]:
        """Its chunks as they come, never an empty list. Raises Failed."""
        async with calling(asked.end_marks) as call:
            try:
                await self._judge(asked)
                found = await self._litellm.acompletion(**asked.arguments, **_EVERY_CALL)
                ended = False
                async for chunk in found:
                    ended = ended or bool(found.received_finish_reason or found.intermittent_finish_reason)
                    if parts := answers.chunks(chunk.model_dump(), _known(asked), with_usage=asked.with_usage):
                        _check_end(parts, ended=ended and call.marked)
                        yield parts
            except Exception as error:  # as above
                raise _failed(error, call, asked) from error

    async def _judge(self, asked: Asked) -> None:
        """Raises AddressNotAllowed. Every connection is judged again when it is made; here there are words for it."""
        for url in (asked.base_url, asked.token_url):
            if url:
                origin, _ = parse_base_url(url)
                with contextlib.suppress(OSError):  # litellm says so, or a proxy knows the name
                    await self._guard.resolve(origin.host, origin.port)
        # litellm waits for one token at a time: an endpoint that hangs would hold up every tenant's.
        if asked.token_url and not is_googles(asked.token_url) and not self._is_allowed(asked.token_url):
            raise AddressNotAllowed("the service account's `token_uri` is neither Google's nor allowed by the operator")

    def _is_allowed(self, url: str) -> bool:
        origin, _ = parse_base_url(url)
        try:
            address = ipaddress.ip_address(origin.host)
        except ValueError:
            return False
        return any(address in network for network in self._allowed if network.version == address.version)


def _known(asked: Asked) -> str | None:
    """The model to name in an answer: litellm's own name for it is not the provider's."""
    return None if asked.kind == "litellm" else asked.model


def _check_end(parts: list[dict[str, Any]], *, ended: bool) -> None:
    """litellm ends a stream that stopped short with a finish reason of its own making. Raises ReadError."""
    if not ended and any(choice["finish_reason"] for part in parts for choice in part["choices"]):
        raise httpx.ReadError("the stream ended without its finish reason")


def _failed(error: Exception, call: Call, asked: Asked) -> Failed:
    refused = error if isinstance(error, AddressNotAllowed) else call.refused
    if refused is not None:
        words = f"The provider's address is not allowed: {refused}."
        return Failed(Error(502, "upstream_unreachable", answers.without(words, asked.secrets)))
    names = tuple(_names(error))
    # The provider's own status: litellm makes another of some. What it fetched besides is not the provider's.
    last = call.responses[-1] if call.responses and not answers.BESIDES & set(names) else None
    refusal = last if last is not None and last.status_code >= 300 else None
    failure = Failure(
        names=names,
        status=refusal.status_code if refusal is not None else getattr(error, "status_code", None),
        words=str(getattr(error, "message", "") or error),
        providers=refusal is not None,
        retry_after=refusal.headers.get("retry-after") if refusal is not None else None,
        not_reached=call.not_reached,
        broken=call.broken,
    )
    sent = refusal.request.headers.get("authorization", "") if refusal is not None else ""
    told = answers.error_of(failure, (*asked.secrets, *sent.split()[1:]))  # a token that was had for the call, too
    if told.code == "internal_error":
        _log(error, names, asked)
    return Failed(told)


def _log(error: BaseException, names: tuple[str, ...], asked: Asked) -> None:
    """What failed and where, in a line; not its words, which may hold a prompt."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    places = [f"{place.filename.rpartition('site-packages/')[2]}:{place.lineno}" for place in frame]
    say("translator_call_failed", "error", kind=asked.kind, names=names, place=places)


def _names(error: BaseException | None) -> Iterator[str]:
    """The names of its class and of those that led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield type(error).__name__
        error = error.__cause__ or error.__context__
