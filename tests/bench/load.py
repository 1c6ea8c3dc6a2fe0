"""Bodies, and wrk: as many whole requests as a gateway takes, over connections that are kept."""

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.bench import tools
from tests.bench.kernel import pin
from tests.bench.running import LOAD_CORES, Running
from tests.support.vaults import clause

CONNECTIONS = 64
_SCRIPT = Path(__file__).with_name("post.lua")


class Loaded(NamedTuple):
    """What wrk saw: answers of 200, those of another status, connections that broke or timed out; seconds."""

    requests: int
    refused: int
    broken: int
    seconds: float

    @property
    def fault(self) -> str | None:
        """Why this load proves nothing; None where every answer was whole and 200."""
        if self.refused or self.broken:
            return f"{self.refused} of {self.requests} answers were not 200, {self.broken} connections broke"
        return None if self.requests else "no answer at all"


def body(size: int, model: str, pace: str | None = None) -> bytes:
    """A chat completion's body of `size` bytes, its fields in the order in which the openai SDK writes them. The text
    is contract language. `pace` asks the bench's upstream for a stream, see there."""
    more = {"stream": True, "metadata": {"pace": pace}} if pace else {"temperature": 0.2}
    text, number = "", 0

    def encoded(content: str) -> bytes:
        messages = [
            {"role": "system", "content": "You draft clauses in the house style."},
            {"role": "user", "content": content},
        ]
        return json.dumps({"messages": messages, "model": model, **more}, separators=(",", ":")).encode()

    while len(encoded(text)) < size:
        number += 1
        text += clause(number)
    while len(made := encoded(text)) > size:
        text = text[: -max(1, (len(made) - size) // 2)]
    return made + b" " * (size - len(made))


def press(
    gateway: Running,
    content: bytes,
    seconds: float,
    folder: Path,
    connections: int = CONNECTIONS,
    cores: frozenset[int] = LOAD_CORES,
) -> Loaded:
    """Asks as fast as answers come, for so many seconds. Raises Missing where there is no wrk."""
    sent, callers = folder / f"{gateway.name}.body", folder / f"{gateway.name}.keys"
    sent.write_bytes(content)
    headers = "".join(f"\t{name}: {value}" for name, value in gateway.headers)
    callers.write_text("".join(f"{key}{headers}\n" for key in gateway.keys))
    command = [tools.program("wrk"), "-t", "1", "-c", str(connections), "-d", f"{seconds:.0f}", "--timeout", "30"]
    command += ["-s", str(_SCRIPT), gateway.url, "--", str(sent), str(callers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=tools.debian_environ()) as wrk:
        pin(wrk.pid, cores)
        said, _ = wrk.communicate(timeout=seconds + 90)
    told = json.loads(said.splitlines()[-1])
    return Loaded(told["requests"], told["refused"], told["broken"], told["microseconds"] / 1e6)
