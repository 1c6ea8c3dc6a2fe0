"""What a user of openai-python writes, one function a case. Run by the tests, in an environment of its own."""

import json
import os
from typing import Any

import openai
from pydantic import BaseModel
from telling import OURS, pieces, tell

MODEL = os.environ["MODEL"]
FOREIGN = "ft:gpt-4.1-mini:other::1"
WEATHER: Any = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER, "strict": True}}]
RESPONSES_TOOLS: Any = [{"type": "function", "name": "get_weather", "parameters": WEATHER, "strict": True}]


class Person(BaseModel):
    """Who wrote the first program."""

    name: str
    year: int


def client(case: str, **more: Any) -> openai.OpenAI:
    """The client of a case. Base URL and key are taken from the client's own variables where they are not given."""
    options = {"max_retries": 0, "default_headers": {"x-case": f"openai-python/{case}"}, **more}
    return openai.OpenAI(**options)


def says(text: str) -> Any:
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


def ask(case: str, text: str, *, model: str = MODEL, **more: Any) -> dict[str, Any]:
    """The answer to a text."""
    answer = client(case, **more).chat.completions.create(model=model, messages=says(text))
    return {"text": answer.choices[0].message.content}


def chat(case: str) -> dict[str, Any]:
    return ask(case, "Say it.")


def stream(case: str) -> dict[str, Any]:
    parts = client(case).chat.completions.create(model=MODEL, messages=says("Say it."), stream=True)
    return pieces([delta for part in parts if (delta := part.choices[0].delta.content)])


def tools(case: str) -> dict[str, Any]:
    conversation = says("What is the weather in Paris?")
    completions = client(case).chat.completions
    message = completions.create(model=MODEL, messages=conversation, tools=TOOLS).choices[0].message
    conversation.append(message)
    conversation += [answered(call) for call in message.tool_calls or ()]
    answer = completions.create(model=MODEL, messages=conversation, tools=TOOLS)
    return {"text": answer.choices[0].message.content}


def stream_tools(case: str) -> dict[str, Any]:
    conversation = says("What is the weather in Paris?")
    completions = client(case).chat.completions
    with completions.stream(model=MODEL, messages=conversation, tools=TOOLS) as events:
        message = events.get_final_completion().choices[0].message
    calls = [call.model_dump(exclude={"function": {"parsed_arguments"}}) for call in message.tool_calls or ()]
    conversation.append({"role": "assistant", "tool_calls": calls})
    conversation += [answered(call) for call in message.tool_calls or ()]
    with completions.stream(model=MODEL, messages=conversation, tools=TOOLS) as events:
        return pieces([event.delta for event in events if event.type == "content.delta"])


def answered(call: Any) -> Any:
    """A tool's result."""
    return {"role": "tool", "tool_call_id": call.id, "content": weather(call.function.arguments)}


def weather(arguments: str) -> str:
    """The tool itself."""
    return "sunny" if json.loads(arguments) == {"city": "Paris"} else "unknown"


def structured(case: str) -> dict[str, Any]:
    asked = {"model": MODEL, "messages": says("Who wrote the first program?"), "response_format": Person}
    message = client(case).chat.completions.parse(**asked).choices[0].message
    return {"data": message.parsed.model_dump()}


def stream_structured(case: str) -> dict[str, Any]:
    asked = {"model": MODEL, "messages": says("Who wrote the first program?"), "response_format": Person}
    with client(case).chat.completions.stream(**asked) as events:
        return {"data": events.get_final_completion().choices[0].message.parsed.model_dump()}


def forced_tool(case: str) -> dict[str, Any]:
    """Structured output as it was before there was a parameter for it."""
    tool = openai.pydantic_function_tool(Person, name="person")
    choice: Any = {"type": "function", "function": {"name": "person"}}
    asked: Any = {"model": MODEL, "messages": says("Who?"), "tools": [tool], "tool_choice": choice}
    calls = client(case).chat.completions.create(**asked).choices[0].message.tool_calls or []
    return {"data": json.loads(calls[0].function.arguments)}


def responses(case: str) -> dict[str, Any]:
    return {"text": client(case).responses.create(model=MODEL, input="Say it.").output_text}


def stream_responses(case: str) -> dict[str, Any]:
    with client(case).responses.stream(model=MODEL, input="Say it.") as events:
        got = pieces([event.delta for event in events if event.type == "response.output_text.delta"])
        assert events.get_final_response().output_text == got["text"]
        return got


def responses_tools(case: str) -> dict[str, Any]:
    conversation = says("What is the weather in Paris?")
    ours = client(case).responses
    answer = ours.create(model=MODEL, input=conversation, tools=RESPONSES_TOOLS)
    conversation += answer.output
    for call in answer.output:
        result = weather(call.arguments)
        conversation.append({"type": "function_call_output", "call_id": call.call_id, "output": result})
    return {"text": ours.create(model=MODEL, input=conversation, tools=RESPONSES_TOOLS).output_text}


def responses_structured(case: str) -> dict[str, Any]:
    answer = client(case).responses.parse(model=MODEL, input="Who wrote the first program?", text_format=Person)
    return {"data": answer.output_parsed.model_dump()}


def completions(case: str) -> dict[str, Any]:
    return {"text": client(case).completions.create(model=MODEL, prompt="Say it.").choices[0].text}


def embeddings(case: str) -> dict[str, Any]:
    answer = client(case).embeddings.create(model="text-embedding-3-small", input="A clause.")
    return {"vector": answer.data[0].embedding}


def models(case: str) -> dict[str, Any]:
    return {"models": [model.id for model in client(case).models.list()]}


def with_raw(case: str) -> dict[str, Any]:
    raw = client(case).chat.completions.with_raw_response.create(model=MODEL, messages=says("Say it."))
    return {"text": raw.parse().choices[0].message.content, "headers": {name: raw.headers[name] for name in OURS}}


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
    parts = client(case).chat.completions.create(model=MODEL, messages=says("Break off."), stream=True)
    return pieces([delta for part in parts if (delta := part.choices[0].delta.content)])


async def async_stream(case: str) -> dict[str, Any]:
    """The asynchronous client, which is another transport."""
    async with openai.AsyncOpenAI(default_headers={"x-case": f"openai-python/{case}"}) as ours:
        parts = await ours.chat.completions.create(model=MODEL, messages=says("Say it."), stream=True)
        return pieces([delta async for part in parts if (delta := part.choices[0].delta.content)])


if __name__ == "__main__":
    os.environ["OPENAI_BASE_URL"] = os.environ["BASE_URL"] + "/v1"
    os.environ["OPENAI_API_KEY"] = os.environ["API_KEY"]
    tell(globals())
