"""A tenant's stock model as a teacher, through the OpenAI API: asked from any thread, answered on the worker's loop."""

import asyncio
from collections.abc import Callable

import httpx2
import openai

from finetune.backends.base import Access
from finetune.backends.openai import retry_after, words_of
from finetune.dataset.teacher import Ask, TeacherBusy, TeacherRefused

_SECONDS = 120.0


def asker(access: Access, http: Callable[[], httpx2.AsyncClient], model: str) -> Ask:
    """What asks `model`. To be called on the loop that the questions are then asked on."""
    loop = asyncio.get_running_loop()

    def ask(system: str, user: str) -> str:
        return asyncio.run_coroutine_threadsafe(_ask(access, http(), model, system, user), loop).result()

    return ask


async def _ask(access: Access, http: httpx2.AsyncClient, model: str, system: str, user: str) -> str:
    """The answer; empty where the model declines. Raises TeacherBusy, TeacherRefused."""
    client = openai.AsyncOpenAI(
        api_key=access.api_key or "none", base_url=access.base_url, max_retries=0, timeout=_SECONDS, http_client=http
    )
    try:
        async with client, asyncio.timeout(_SECONDS):
            answer = await client.chat.completions.create(
                model=model,
                messages=[{"role": "system", "content": system}, {"role": "user", "content": user}],
            )
        return answer.choices[0].message.content or ""
    except (openai.APIConnectionError, TimeoutError):
        raise TeacherBusy from None
    except openai.APIStatusError as error:
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
