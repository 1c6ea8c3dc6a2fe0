"""How the gateway speaks to a translator, and to one that runs by itself: where it is, the token, TLS, and how it is.

What a call says and hears is not looked at here. That the translator does not answer is the gateway's own error, in
words about the translator; what a provider has answered goes on as it came.
"""

import asyncio
import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path

import structlog
from msgspec import Struct

from gateway.errors import TABLE, GatewayError
from gateway.masked import SecretBytes
from gateway.settings import Settings
from gateway.upstream import tls
from gateway.upstream.addresses import Guard, Origin
from gateway.upstream.pool import Answer, Pool, Timeouts
from gateway.upstream.upload import Upload
from gateway.wire.headers import Header, first

log = structlog.get_logger(__name__)

_MARK, _REFUSED = b"x-housestyle-translator", b"x-housestyle-refused"
# The translator says `100 Continue` when it takes a call up, before it asks any provider. So a pooled connection that
# ends without a word has carried nothing out, and the call may be sent again; after that word it is not (RFC 9110,
# section 10.1.1).
_TAKE_UP = (b"expect", b"100-continue")
# The operator's own address: no guard, no proxy.
_ANYWHERE = Guard([ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")])
_LOOK_SECONDS = 5.0
_LOOK_WITHIN = 4.0
_TOKEN_REFUSED = (
    "The translator refused this gateway's token: HOUSESTYLE_TRANSLATOR_TOKEN is not the same at both of them."  # noqa: S105
)


class Link(Struct, frozen=True):
    """A translator to send calls to. `headers` are those that it wants beside a call's own."""

    pool: Pool
    origin: Origin
    headers: tuple[Header, ...] = (_TAKE_UP,)

    async def request(self, head: bytes, body: bytes | Upload) -> Answer:
        """As the pool's; and raises GatewayError `upstream_unreachable` where it is no translator that answers, or one
        that does not know this gateway."""
        try:
            answer = await self.pool.request(self.origin, head, body)
        except GatewayError as error:
            raise of_the_translator(error) from None
        try:
            judge(answer)
        except GatewayError:
            answer.close()
            raise
        return answer


def judge(answer: Answer) -> None:
    """Raises GatewayError for an answer that is not a translator's, or that turns this gateway away."""
    if first(answer.headers, _MARK) is None:
        words = f"What answers in the translator's place is none (status {answer.status})."
        raise GatewayError("upstream_unreachable", words)
    if first(answer.headers, _REFUSED) is not None:
        raise GatewayError("upstream_unreachable", _TOKEN_REFUSED)


def of_the_translator(error: GatewayError) -> GatewayError:
    """The pool's error, which speaks of a provider, in words about the translator; but for a wait that may be for
    either."""
    if error.code == "upstream_timeout" and error.message == TABLE["upstream_timeout"].message:
        return error
    words = error.message.replace("The provider", "The translator").replace("the provider", "the translator")
    return GatewayError(error.code, words.replace("SSL_CERT_FILE", "HOUSESTYLE_TRANSLATOR_CA_FILE"))


class RemoteTranslator:
    """The translator at HOUSESTYLE_TRANSLATOR_URL. `on_away` hears at every look whether it cannot be reached;
    `cause` says why, and is None where it can."""

    def __init__(self, settings: Settings, timeouts: Timeouts, on_away: Callable[[bool], object]) -> None:
        assert settings.translator_url is not None  # noqa: S101 - else there is none
        self._authorities = settings.translator_ca
        self._context = tls.client_context(str(self._authorities) if self._authorities else None)
        self._seen = _stamp(self._authorities)
        self._on_away = on_away
        token = settings.translator_tokens[0]
        headers = ((b"authorization", SecretBytes(b"Bearer " + token.encode())), _TAKE_UP)
        self.link = Link(Pool(_ANYWHERE, timeouts, self._context), settings.translator_url, headers)
        # A connection of its own for each look: through a Service it leads to any of the replicas.
        self._looking = Link(
            Pool(_ANYWHERE, Timeouts(_LOOK_WITHIN, _LOOK_WITHIN, _LOOK_WITHIN), self._context), settings.translator_url
        )
        self.cause: str | None = "it has not been looked at yet"

    async def look(self) -> str | None:
        """Asks it once whether it is there and knows this gateway: why not, or None where it is well."""
        origin, token = self.link.origin, self.link.headers[0][1]
        head = b"GET /readyz HTTP/1.1\r\nhost: %b\r\nconnection: close\r\nauthorization: %b\r\n\r\n"
        try:
            async with asyncio.timeout(_LOOK_WITHIN):
                answer = await self._looking.request(SecretBytes(head % (origin.authority, token)), b"")
        except GatewayError as error:
            return error.message
        except TimeoutError:
            return f"The translator did not answer within {_LOOK_WITHIN:.0f} s."
        answer.close()
        return None if answer.status == 200 else f"The translator is not ready (status {answer.status})."

    async def watch(self) -> None:
        """Looks now and then, until it is cancelled."""
        while True:
            self._renew()
            cause = await self.look()
            if cause != self.cause:
                self._say(cause)
            self.cause = cause
            self._on_away(cause is not None)
            self.link.pool.close_expired()
            await asyncio.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """Closes its connections."""
        self.link.pool.close()

    @property
    def url(self) -> str:
        """Where it is, for people."""
        return f"{self.link.origin.scheme}://{self.link.origin.authority.decode()}"

    def _say(self, cause: str | None) -> None:
        if cause is None:
            log.info("translator_reached", url=self.url)
        else:
            log.warning("translator_away", url=self.url, cause=cause)

    def _renew(self) -> None:
        """Takes over a file of authorities that has changed; those from before are believed until this process ends."""
        stamp = _stamp(self._authorities)
        if stamp == self._seen or self._authorities is None:
            return
        try:
            self._context.load_verify_locations(self._authorities)
        except (OSError, ssl.SSLError) as error:  # half-written, perhaps: it is looked at again
            log.error("translator_authorities_not_renewed", path=str(self._authorities), cause=str(error))
            return
        self._seen = stamp
        log.info("translator_authorities_renewed", path=str(self._authorities))


def _stamp(path: Path | None) -> tuple[int, int] | None:
    """What tells that a file is another; None where there is none."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ino) if found is not None else None
