"""TLS with providers: whom to believe, sessions resumed, refusals in words. No sockets."""

import ssl

_KEPT_SESSIONS = 256
# OpenSSL's numbers (x509_vfy.h) for a chain that ends at nobody known.
_UNKNOWN_ISSUER = frozenset({18, 19, 20, 21})


class ClientContext(ssl.SSLContext):
    """A client's context that resumes the last session of a host's name, and never another host's.

    asyncio and uvloop take no session from their caller; both make their TLS objects with `wrap_bio`. A resumed session
    skips the certificate's check, which was made when it began, for the same name: so names are the keys.
    """

    def __init__(self, protocol: int) -> None:  # noqa: ARG002 - the base class takes it when it is made
        self._sessions: dict[str | bytes, ssl.SSLSession] = {}

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """See ssl.SSLContext."""
        session = session or (self._sessions.get(server_hostname) if server_hostname else None)
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)

    def keep_session(self, tls: ssl.SSLObject) -> bool:
        """Keeps the session for the next connection to the same name; False while there is none to resume.

        A ticket of TLS 1.3 comes some time after the handshake. The oldest of too many names is forgotten.
        """
        session, name = tls.session, tls.server_hostname
        if session is None or not name or not session.has_ticket:
            return False
        self._sessions.pop(name, None)
        self._sessions[name] = session
        if len(self._sessions) > _KEPT_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        return True


def client_context(cafile: str | None = None) -> ClientContext:
    """Like `ssl.create_default_context`: certificates and names are verified, TLS 1.2 or newer; and able to resume.

    Without `cafile`, OpenSSL's own places are believed, which SSL_CERT_FILE and SSL_CERT_DIR name.
    """
    context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if cafile is not None:
        context.load_verify_locations(cafile)
    else:
        context.load_default_certs()
    return context


def words(error: ssl.SSLError) -> str:
    """What went wrong, for somebody who can do something about it."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS with the provider failed: {error.reason or error}."
    hint = " SSL_CERT_FILE can name a file of authorities to trust." if error.verify_code in _UNKNOWN_ISSUER else ""
    return f"TLS with the provider failed, its certificate was refused: {error.verify_message.rstrip('.')}.{hint}"
