"""A tenant's stock model as a teacher, through the OpenAI API: asked from any thread, answered on the worker's loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import openai

from finetune.backends.base import Access
from finetune.backends.openai import retry_after, words_of
from finetune.dataset.outcomes import Ask, TeacherBusy, TeacherRefused

_SECONDS = 60.0  # also how long a cancelled job may wait for questions that are under way
# A question that the model will not or cannot take; the next one may be another matter.
_DECLINED = frozenset(
    {"content_filter", "content_policy_violation", "context_length_exceeded", "string_above_max_length"}
)


@asynccontextmanager
async def asking(access: Access, http: httpx2.AsyncClient, model: str) -> AsyncIterator[Ask]:
    """What asks `model`, for as long as this is open; on the loop that it was opened on."""
    loop = asyncio.get_running_loop()
    async with openai.AsyncOpenAI(
        api_key=access.api_key or "none", base_url=access.base_url, max_retries=0, timeout=_SECONDS, http_client=http
    ) as client:

        def ask(system: str, user: str) -> str:
            return asyncio.run_coroutine_threadsafe(_ask(client, model, system, user), loop).result()

        yield ask


async def _ask(client: openai.AsyncOpenAI, model: str, system: str, user: str) -> str:
    """The answer; empty where the model declines. Raises TeacherBusy, TeacherRefused."""
    try:
        async with asyncio.timeout(_SECONDS):
            answer = await client.chat.completions.create(
                model=model,
                messages=[{"role": "system", "content": system}, {"role": "user", "content": user}],
            )
        return answer.choices[0].message.content or ""
    except (openai.APIConnectionError, TimeoutError):
        raise TeacherBusy from None
    except openai.APIStatusError as error:
        if error.code in _DECLINED:
            return ""
        raise _refusal(error, model) from None
    except (openai.APIError, AttributeError, IndexError, TypeError, ValueError) as error:
        words = f"The teacher {model} did not answer as the OpenAI API does ({error}); is its `base_url` right?"
        raise TeacherRefused("training_failed", words) from None


def _refusal(error: openai.APIStatusError, model: str) -> TeacherBusy | TeacherRefused:
    status = error.status_code
    if status in (408, 409, 429) or status >= 500:
        return TeacherBusy(retry_after(error.response))
    code = "provider_auth_failed" if status in (401, 403) else "training_failed"
    return TeacherRefused(code, f"The teacher {model} cannot be asked. {words_of(error)}")
