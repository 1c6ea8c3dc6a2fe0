"""An own certificate authority, and what it and others sign."""

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_DAY = datetime.timedelta(days=1)


class Authority:
    """A CA whose files lie in `folder`; `file` is its certificate."""

    def __init__(self, folder: Path, name: str = "Own CA") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._number = 0
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(_pem(self._sign(self._name, self._key.public_key(), None, expired=False)))

    def server(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """A server's side of TLS, for these host names, by this authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
        return self._context(self._sign(subject, key.public_key(), names, expired=expired), key)

    def server_file(self, *names: str, expired: bool = False) -> Path:
        """The same as a file: the certificate and its key."""
        self.server(*names, expired=expired)
        return self._folder / f"server-{self._number}.pem"

    def self_signed(self) -> ssl.SSLContext:
        """A server's side of TLS that nobody vouches for."""
        other = Authority(self._folder, f"Self {self._number}")
        return self._context(x509.load_pem_x509_certificate(other.file.read_bytes()), other._key)

    def _context(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
        self._number += 1
        at = self._folder / f"server-{self._number}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        at.write_bytes(_pem(certificate) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(at)
        return context

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, names: tuple[str, ...] | None, *, expired: bool
    ) -> x509.Certificate:
        until = datetime.datetime.now(datetime.UTC) + (-_DAY if expired else _DAY)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(until - 10 * _DAY)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
        )
        if names is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        return builder.sign(self._key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
