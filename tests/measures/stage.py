"""What every measure runs on: a real gateway with an embedded Redis, its records and spans on; a provider in a process
of its own; a sandbox for fine-tunes; a client on raw sockets.
"""

import asyncio
import contextlib
import json
import resource
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.support.admin import Admin
from tests.support.firms import Firm
from tests.support.otlp import collecting
from tests.support.processes import Program, gateway_environ, running
from tests.support.vaults import write_vault

_FILES = 16_384


class Tenant(NamedTuple):
    """A tenant of a measure's: its name, its caller's key, the model that the provider must see for `default`."""

    name: str
    key: str
    model: str


class Stage(NamedTuple):
    """Everything that runs. `pid` and `address` are the gateway's."""

    admin: Admin
    pid: int
    address: tuple[str, int]
    provider: str
    sandbox: str
    vault: Path

    def seen(self) -> Any:
        """What the provider has seen so far."""
        asked = urllib.request.Request(f"{self.provider}/control", headers={"x-measure": "control"})  # noqa: S310
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - our own provider
            return json.loads(answer.read())

    def tenants(self, number: int, tuned: int) -> list[Tenant]:
        """New tenants, the first `tuned` of them with a fine-tuned model that is active."""
        firms = [Firm(self.admin, self.sandbox, vault=self.vault) for _ in range(number)]
        jobs = [(firm, firm.start_job()) for firm in firms[:tuned]]
        models = {firm.name: f"stock-{firm.name}" for firm in firms}
        for firm, started in jobs:
            job = firm.finished(started, seconds=300)
            firm.activate(job)
            models[firm.name] = job["fine_tuned_model"]
        for firm in firms:
            moved = {"base_url": f"{self.provider}/v1", "default_model": f"stock-{firm.name}"}
            self.admin.put(f"{firm.path}/providers/main", {**firm.provider, **moved})
        return [Tenant(firm.name, firm.key, models[firm.name]) for firm in firms]


@contextlib.contextmanager
def staged() -> Iterator[Stage]:
    """All of it, ended at the end."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, allowed[1]), allowed[1]))  # children inherit it
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="housestyle-measures-")))
        vault = write_vault(folder / "data" / "vaults" / "orchard.jsonl", 20)
        collector = stack.enter_context(collecting())
        environ = gateway_environ(
            folder / "data",
            OTEL_TRACES_EXPORTER="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
        )
        sandbox = stack.enter_context(running(["sandbox", "--port", "0", "--step-seconds", "0.05"], {}, folder / "s"))
        gateway = stack.enter_context(running(["serve", "--port", "0"], environ, folder / "log"))
        provider = stack.enter_context(_provider())
        admin = stack.enter_context(Admin(gateway.url))
        yield _stage(gateway, admin, provider, sandbox.url, vault)


def _stage(gateway: Program, admin: Admin, provider: str, sandbox: str, vault: Path) -> Stage:
    place = urlsplit(gateway.url)
    return Stage(admin, gateway.process.pid, (str(place.hostname), int(place.port or 0)), provider, sandbox, vault)


@contextlib.contextmanager
def _provider() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.measures.provider"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()
            process.wait(30)


class Caller:
    """A connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def at(cls, stage: Stage, buffer: int = 0) -> "Caller":
        """A new one. `buffer`: of what is not read, the kernel holds about so many bytes; 0: as many as it likes."""
        sock = socket.socket()
        try:
            sock.setblocking(False)
            if buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            await asyncio.get_running_loop().sock_connect(sock, stage.address)
            return cls(*await asyncio.open_connection(sock=sock, limit=buffer or 1 << 16))
        except BaseException:
            sock.close()
            raise

    def ask(self, tenant: Tenant, measure: str, body: bytes, route: str = "chat/completions", **headers: str) -> None:
        """Sends a call."""
        more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = (
            f"POST /v1/{route} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {tenant.key}\r\nx-measure: {measure}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n{more}\r\n"
        )
        self.writer.write(head.encode() + body)

    async def head(self) -> tuple[int, dict[str, str]]:
        """The answer's status and headers."""
        line, *fields = (await self.reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        return int(line.split(" ")[1]), headers

    async def body(self, headers: dict[str, str]) -> bytes:
        """The whole body."""
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        parts: list[bytes] = []
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            parts.append((await self.reader.readexactly(size + 2))[:-2])
        await self.reader.readexactly(2)
        return b"".join(parts)

    def close(self) -> None:
        """Closes."""
        self.writer.close()


async def until(condition: Any, seconds: float = 60.0) -> None:
    """Polls, with a deadline."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.005)
