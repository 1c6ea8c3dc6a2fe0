"""How tests talk to the translator: by the OpenAI SDK over its Unix socket, or byte by byte."""

import json
import sys
from pathlib import Path
from typing import Any

import httpx2
import openai

from gateway.translating import credential_header

PYTHON = Path(f"{sys.prefix}-translator") / "bin" / "python"
MESSAGES: list[Any] = [{"role": "user", "content": "Say hello."}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Talk:
    """The translator's socket and, by `as_provider`, a client whose calls go to one provider."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def as_provider(self, kind: str, base_url: str, api_key: str | None, **options: str) -> openai.AsyncOpenAI:
        """The SDK with a provider's credential."""
        name, value = credential_header(kind, base_url, api_key, options)
        return openai.AsyncOpenAI(
            api_key="of the gateway",
            base_url="http://translator/v1",
            max_retries=0,
            timeout=60,
            default_headers={name.decode(): value.decode()},
            http_client=httpx2.AsyncClient(transport=self._transport()),
        )

    def _transport(self) -> httpx2.AsyncHTTPTransport:
        """As many connections as are asked for: the gateway's pool has no limit either."""
        return httpx2.AsyncHTTPTransport(uds=str(self.socket), limits=httpx2.Limits(max_connections=None))

    async def raw(self, header: tuple[bytes, bytes] | None, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and body of a call as it is given."""
        headers = [("content-type", "application/json")]
        if header is not None:
            headers.append((header[0].decode(), header[1].decode()))
        async with httpx2.AsyncClient(transport=self._transport(), timeout=60) as client:
            answer = await client.post(
                "http://translator/v1/chat/completions", content=json.dumps(body), headers=headers
            )
            return answer.status_code, answer.json()


def bedrock(talk: Talk, port: int, api_key: str = "bedrock-api-key", **options: str) -> openai.AsyncOpenAI:
    """A Bedrock on this machine."""
    return talk.as_provider("bedrock", f"http://127.0.0.1:{port}", api_key, **{"region": "eu-central-1", **options})
