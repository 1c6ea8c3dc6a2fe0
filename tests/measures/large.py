"""300 MB through the gateway, up and down: what its memory grows by."""

from tests.measures.memory import Memory
from tests.measures.stage import Caller, Stage, Tenant

SIZE = 300 << 20
_PART = bytes(range(256)) * 4096


async def upload(stage: Stage, tenant: Tenant) -> int:
    """The growth in KB."""
    caller = await Caller.at(stage)
    memory = Memory(stage.pid)
    head = (
        f"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {tenant.key}\r\n"
        f"x-measure: upload\r\ncontent-type: audio/wav\r\ncontent-length: {SIZE}\r\n\r\n"
    )
    caller.writer.write(head.encode())
    for _ in range(SIZE // len(_PART)):
        caller.writer.write(_PART)
        await caller.writer.drain()
    status, headers = await caller.head()
    assert (status, await caller.body(headers)) == (200, b"%d" % SIZE)
    caller.close()
    return memory.growth


async def download(stage: Stage, tenant: Tenant) -> int:
    """The growth in KB."""
    caller = await Caller.at(stage)
    memory = Memory(stage.pid)
    caller.ask(tenant, "download", b"{}", "audio/speech", x_size=str(SIZE))
    status, headers = await caller.head()
    assert (status, headers["content-length"]) == (200, str(SIZE))
    left = SIZE
    while left:
        left -= len(await caller.reader.readexactly(min(left, len(_PART))))
    caller.close()
    return memory.growth
