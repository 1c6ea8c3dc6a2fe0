"""What a user of litellm (as a library) writes, one function a case. Run by the tests, in an environment of its own."""

import json
import os
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else its import fetches a price list

import litellm
from pydantic import BaseModel
from telling import OURS, pieces, tell

MODEL = "openai/" + os.environ["MODEL"]
FOREIGN = "openai/ft:gpt-4.1-mini:other::1"
WEATHER: Any = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}]


class Person(BaseModel):
    """Who wrote the first program."""

    name: str
    year: int


def options(case: str, **more: Any) -> dict[str, Any]:
    """What goes with every call. Base URL and key are in the client's own variables where they are not given."""
    return {"model": MODEL, "max_retries": 0, "extra_headers": {"x-case": f"litellm/{case}"}, **more}


def complete(case: str, messages: list[Any], **more: Any) -> Any:
    """A completion."""
    return litellm.completion(**options(case, messages=messages, **more))


def says(text: str) -> list[Any]:
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


def ask(case: str, text: str, **more: Any) -> dict[str, Any]:
    """The answer to a text."""
    return {"text": complete(case, says(text), **more).choices[0].message.content}


def deltas(parts: Any) -> dict[str, Any]:
    """A stream's text."""
    return pieces([delta for part in parts if (delta := part.choices[0].delta.content)])


def chat(case: str) -> dict[str, Any]:
    return ask(case, "Say it.")


def stream(case: str) -> dict[str, Any]:
    return deltas(complete(case, says("Say it."), stream=True))


async def async_stream(case: str) -> dict[str, Any]:
    parts = await litellm.acompletion(**options(case, messages=says("Say it."), stream=True))
    return deltas([part async for part in parts])


def proxied(case: str) -> dict[str, Any]:
    """As a client of its own proxy, whose base URL has no /v1."""
    model = "litellm_proxy/" + os.environ["MODEL"]
    return ask(case, "Say it.", model=model, api_base=os.environ["BASE_URL"], api_key=os.environ["API_KEY"])


def tools(case: str) -> dict[str, Any]:
    conversation = says("What is the weather in Paris?")
    message = complete(case, conversation, tools=TOOLS).choices[0].message
    conversation += [message, *results(message)]
    return {"text": complete(case, conversation, tools=TOOLS).choices[0].message.content}


def stream_tools(case: str) -> dict[str, Any]:
    conversation = says("What is the weather in Paris?")
    parts = list(complete(case, conversation, tools=TOOLS, stream=True))
    message = litellm.stream_chunk_builder(parts).choices[0].message
    conversation += [message, *results(message)]
    return deltas(complete(case, conversation, tools=TOOLS, stream=True))


def results(message: Any) -> list[Any]:
    """The tools' results."""
    return [
        {"role": "tool", "tool_call_id": call.id, "content": weather(call.function.arguments)}
        for call in message.tool_calls
    ]


def weather(arguments: str) -> str:
    """The tool itself."""
    return "sunny" if json.loads(arguments) == {"city": "Paris"} else "unknown"


def structured(case: str) -> dict[str, Any]:
    return {"data": json.loads(ask(case, "Who wrote the first program?", response_format=Person)["text"])}


def stream_structured(case: str) -> dict[str, Any]:
    parts = complete(case, says("Who wrote the first program?"), response_format=Person, stream=True)
    return {"data": json.loads(deltas(parts)["text"])}


def forced_tool(case: str) -> dict[str, Any]:
    person: Any = {"name": "person", "parameters": Person.model_json_schema()}
    choice: Any = {"type": "function", "function": {"name": "person"}}
    asked = {"tools": [{"type": "function", "function": person}], "tool_choice": choice}
    message = complete(case, says("Who wrote the first program?"), **asked).choices[0].message
    return {"data": json.loads(message.tool_calls[0].function.arguments)}


def responses(case: str) -> dict[str, Any]:
    return {"text": litellm.responses(**options(case, input="Say it.")).output_text}


def stream_responses(case: str) -> dict[str, Any]:
    parts = litellm.responses(**options(case, input="Say it.", stream=True))
    return pieces([part.delta for part in parts if part.type == "response.output_text.delta"])


def responses_tools(case: str) -> dict[str, Any]:
    conversation = says("What is the weather in Paris?")
    tools: Any = [{"type": "function", "name": "get_weather", "parameters": WEATHER}]
    answer = litellm.responses(**options(case, input=conversation, tools=tools))
    for call in answer.output:
        output = {"type": "function_call_output", "call_id": call.call_id, "output": weather(call.arguments)}
        conversation += [call.model_dump(exclude_none=True), output]
    return {"text": litellm.responses(**options(case, input=conversation, tools=tools)).output_text}


def responses_structured(case: str) -> dict[str, Any]:
    asked = options(case, input="Who wrote the first program?", text_format=Person)
    return {"data": json.loads(litellm.responses(**asked).output_text)}


def completions(case: str) -> dict[str, Any]:
    model = "text-completion-openai/" + os.environ["MODEL"]
    return {"text": litellm.text_completion(**options(case, model=model, prompt="Say it.")).choices[0].text}


def embeddings(case: str) -> dict[str, Any]:
    asked = options(case, model="openai/text-embedding-3-small", input=["A clause."], encoding_format="float")
    return {"vector": litellm.embedding(**asked).data[0]["embedding"]}


def with_raw(case: str) -> dict[str, Any]:
    answer = complete(case, says("Say it."))
    headers = answer._response_headers  # its documentation has them there
    return {"text": answer.choices[0].message.content, "headers": {name: headers[name] for name in OURS}}


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
    return deltas(complete(case, says("Break off."), stream=True))


if __name__ == "__main__":
    os.environ["OPENAI_API_BASE"] = os.environ["BASE_URL"] + "/v1"
    os.environ["OPENAI_API_KEY"] = os.environ["API_KEY"]
    tell(globals())
