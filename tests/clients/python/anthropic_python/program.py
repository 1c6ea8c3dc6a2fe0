"""What a user of anthropic-python writes, one function a case. Run by the tests, in an environment of its own."""

import os
from typing import Any

import anthropic
from pydantic import BaseModel
from telling import OURS, pieces, tell

MODEL = os.environ["MODEL"]
TAG = os.environ.get("TAG", "anthropic-python")
FOREIGN = "ft:gpt-4.1-mini:other::1"
WEATHER: Any = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = [{"name": "get_weather", "description": "The weather of a city.", "input_schema": WEATHER}]


class Person(BaseModel):
    """Who wrote the first program."""

    name: str
    year: int


def options(case: str, **more: Any) -> dict[str, Any]:
    """What a client is made with. Base URL and key are in the client's own variables where they are not given."""
    return {"max_retries": 0, "default_headers": {"x-case": f"{TAG}/{case}"}, **more}


def client(case: str, **more: Any) -> anthropic.Anthropic:
    """The client of a case."""
    return anthropic.Anthropic(**options(case, **more))


def said(text: str, model: str = MODEL) -> dict[str, Any]:
    """A request of one message."""
    return {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": text}]}


def ask(case: str, text: str, *, model: str = MODEL, **more: Any) -> dict[str, Any]:
    """The answer to a text."""
    return {"text": client(case, **more).messages.create(**said(text, model)).content[0].text}


def chat(case: str) -> dict[str, Any]:
    return ask(case, "Say it.")


def stream(case: str) -> dict[str, Any]:
    with client(case).messages.stream(**said("Say it.")) as events:
        got = pieces(list(events.text_stream))
        assert events.get_final_text() == got["text"]
        return got


async def async_stream(case: str) -> dict[str, Any]:
    async with (
        anthropic.AsyncAnthropic(**options(case)) as ours,
        ours.messages.stream(**said("Say it.")) as events,
    ):
        return pieces([text async for text in events.text_stream])


def tools(case: str) -> dict[str, Any]:
    request = said("What is the weather in Paris?")
    ours = client(case).messages
    message = ours.create(**request, tools=TOOLS)
    return {"text": ours.create(**with_results(request, message), tools=TOOLS).content[0].text}


def stream_tools(case: str) -> dict[str, Any]:
    request = said("What is the weather in Paris?")
    ours = client(case).messages
    with ours.stream(**request, tools=TOOLS) as events:
        message = events.get_final_message()
    with ours.stream(**with_results(request, message), tools=TOOLS) as events:
        return pieces(list(events.text_stream))


def with_results(request: dict[str, Any], message: Any) -> dict[str, Any]:
    """The request with the model's uses of tools and their results after it."""
    uses = [block for block in message.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": use.id, "content": weather(use.input)} for use in uses]
    blocks = [{"type": "tool_use", "id": use.id, "name": use.name, "input": use.input} for use in uses]
    answered = [{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]
    return {**request, "messages": [*request["messages"], *answered]}


def weather(given: Any) -> str:
    """The tool itself."""
    return "sunny" if given == {"city": "Paris"} else "unknown"


def structured(case: str) -> dict[str, Any]:
    message = client(case).messages.parse(**said("Who wrote the first program?"), output_format=Person)
    return {"data": message.parsed_output.model_dump()}


def stream_structured(case: str) -> dict[str, Any]:
    with client(case).messages.stream(**said("Who wrote the first program?"), output_format=Person) as events:
        return {"data": events.get_final_message().parsed_output.model_dump()}


def forced_tool(case: str) -> dict[str, Any]:
    """Structured output as it was before there was a parameter for it."""
    tool: Any = {"name": "person", "input_schema": Person.model_json_schema()}
    choice: Any = {"type": "tool", "name": "person"}
    message = client(case).messages.create(**said("Who?"), tools=[tool], tool_choice=choice)
    return {"data": message.content[0].input}


def count_tokens(case: str) -> dict[str, Any]:
    asked = said("Say it.")
    asked.pop("max_tokens")
    return {"tokens": client(case).messages.count_tokens(**asked).input_tokens}


def models(case: str) -> dict[str, Any]:
    return {"models": [model.id for model in client(case).models.list()]}


def with_raw(case: str) -> dict[str, Any]:
    raw = client(case).messages.with_raw_response.create(**said("Say it."))
    return {"text": raw.parse().content[0].text, "headers": {name: raw.headers[name] for name in OURS}}


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
    return ask(case, "Fail twice.", max_retries=2)


def timeout(case: str) -> dict[str, Any]:
    return ask(case, "Never answer.", timeout=3)


def broken_stream(case: str) -> dict[str, Any]:
    with client(case).messages.stream(**said("Break off.")) as events:
        return pieces(list(events.text_stream))


if __name__ == "__main__":
    os.environ["ANTHROPIC_BASE_URL"] = os.environ["BASE_URL"]
    os.environ["ANTHROPIC_API_KEY"] = os.environ["API_KEY"]
    tell(globals())
