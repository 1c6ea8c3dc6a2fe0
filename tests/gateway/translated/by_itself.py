"""A translator that runs by itself, and gateways that it is given to: for tests. No tests here."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from tests.gateway.translator.talking import PYTHON
from tests.gateway.upstream.certificates import Authority
from tests.support.admin import NO_TLS
from tests.support.processes import Program, gateway_environ, running
from tests.support.redis import free_port

TOKEN = "of-the-translator-0123456789abcdef"


class Place:
    """What such a translator is set to, in a folder; its certificate is for `localhost`. It may reach this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.authority = Authority(folder)
        self.certificate = folder / "tls.pem"
        self.renew()
        self.log = folder / "translator.log"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://localhost:{self.port}"

    def renew(self) -> None:
        """Puts another certificate where the last one is."""
        self.authority.server_file("localhost").replace(self.certificate)

    def environ(self, **more: str) -> dict[str, str]:
        """The translator's."""
        given = {"TOKEN": TOKEN, "CERT_FILE": str(self.certificate), "KEY_FILE": str(self.certificate)}
        given |= {"PYTHON": str(PYTHON), **more}
        named = {f"HOUSESTYLE_TRANSLATOR_{name}": value for name, value in given.items() if value}
        own = {"HOUSESTYLE_UPSTREAM_ALLOW": "127.0.0.1/32", "HOUSESTYLE_DRAIN_SECONDS": "20"}
        return {**named, **own, "TMPDIR": str(self.temporary), "AWS_SECRET_ACCESS_KEY": "operator"}

    def translator(self, port: int | None = None) -> contextlib.AbstractContextManager[Program]:
        """It, answering; of port 0 at a free one."""
        return running(["translator", "--port", str(self.port if port is None else port)], self.environ(), self.log)

    @contextlib.contextmanager
    def gateway(self, folder: Path, **more: str) -> Iterator[Program]:
        """A gateway whose translator it is."""
        named = {"URL": self.url, "TOKEN": TOKEN, "CA_FILE": str(self.authority.file)}
        given = {f"HOUSESTYLE_TRANSLATOR_{name}": value for name, value in named.items()}
        environ = gateway_environ(folder / "data", **{**given, **more})
        with running(["serve", "--port", "0"], environ, folder / "log") as program:
            yield program


def ready(program: Program) -> tuple[int, Any]:
    """What a gateway's /readyz says."""
    answer = httpx2.get(f"{program.url}/readyz", verify=NO_TLS)
    return answer.status_code, answer.json()
