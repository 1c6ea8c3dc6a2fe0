"""What a user of instructor writes, one function a case. Run by the tests, in an environment of its own."""

import os
from typing import Any

import instructor
import openai
from pydantic import BaseModel
from telling import pieces, tell

MODEL = os.environ["MODEL"]
FOREIGN = "ft:gpt-4.1-mini:other::1"
WHO: Any = [{"role": "user", "content": "Who wrote the first program?"}]


class Person(BaseModel):
    """Who wrote the first program."""

    name: str
    year: int


def client(case: str, mode: instructor.Mode = instructor.Mode.TOOLS, **more: Any) -> instructor.Instructor:
    """The client of a case. Base URL and key are in openai's own variables where they are not given."""
    options = {"max_retries": 0, "default_headers": {"x-case": f"instructor/{case}"}, **more}
    return instructor.from_openai(openai.OpenAI(**options), mode=mode)


def ask(case: str, text: str, *, model: str = MODEL, **more: Any) -> dict[str, Any]:
    """The person that a text asks for."""
    messages: Any = [{"role": "user", "content": text}]
    asked = client(case, **more).create(model=model, messages=messages, response_model=Person)
    return {"data": asked.model_dump()}


def say(case: str, text: str, **more: Any) -> dict[str, Any]:
    """The answer to a text, as it is."""
    messages: Any = [{"role": "user", "content": text}]
    answer = client(case, **more).create(model=MODEL, messages=messages, response_model=None)
    return {"text": answer.choices[0].message.content}


def chat(case: str) -> dict[str, Any]:
    return say(case, "Say it.")


def stream(case: str) -> dict[str, Any]:
    messages: Any = [{"role": "user", "content": "Say it."}]
    parts = client(case).create(model=MODEL, messages=messages, response_model=None, stream=True)
    return pieces([delta for part in parts if (delta := part.choices[0].delta.content)])


async def async_stream(case: str) -> dict[str, Any]:
    ours = instructor.from_openai(openai.AsyncOpenAI(default_headers={"x-case": f"instructor/{case}"}))
    messages: Any = [{"role": "user", "content": "Say it."}]
    parts: Any = await ours.create(model=MODEL, messages=messages, response_model=None, stream=True)
    return pieces([delta async for part in parts if (delta := part.choices[0].delta.content)])


def forced_tool(case: str) -> dict[str, Any]:
    """Its own way: the value is the arguments of a tool."""
    return ask(case, "Who wrote the first program?")


def structured(case: str) -> dict[str, Any]:
    return ask(case, "Who wrote the first program?", mode=instructor.Mode.JSON_SCHEMA)


def stream_structured(case: str) -> dict[str, Any]:
    *_, last = client(case).create_partial(model=MODEL, messages=WHO, response_model=Person)
    return {"data": last.model_dump()}


def responses_structured(case: str) -> dict[str, Any]:
    asked = client(case, instructor.Mode.RESPONSES_TOOLS)
    return {"data": asked.create(model=MODEL, messages=WHO, response_model=Person).model_dump()}


def bad_key(case: str) -> dict[str, Any]:
    return ask(case, "Say it.", api_key=os.environ["BAD_KEY"])


def error_401(case: str) -> dict[str, Any]:
    return ask(case, "Fail with 401.")


def error_404(case: str) -> dict[str, Any]:
    return ask(case, "Fail with 404.")


def foreign_model(case: str) -> dict[str, Any]:
    return ask(case, "Say it.", model=FOREIGN)


def error_429(case: str) -> dict[str, Any]:
    return ask(case, "Fail with 429.")


def error_500(case: str) -> dict[str, Any]:
    return ask(case, "Fail with 500.")


def retries(case: str) -> dict[str, Any]:
    return say(case, "Fail twice.", max_retries=2)


def timeout(case: str) -> dict[str, Any]:
    return ask(case, "Never answer.", timeout=3)


def broken_stream(case: str) -> dict[str, Any]:
    messages: Any = [{"role": "user", "content": "Break off."}]
    *_, last = client(case).create_partial(model=MODEL, messages=messages, response_model=Person)
    return {"data": last.model_dump()}


if __name__ == "__main__":
    os.environ["OPENAI_BASE_URL"] = os.environ["BASE_URL"] + "/v1"
    os.environ["OPENAI_API_KEY"] = os.environ["API_KEY"]
    tell(globals())
