"""What a user of langchain-openai writes, one function a case. Run by the tests, in an environment of its own."""

import os
from typing import Any

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel
from telling import OURS, pieces, tell

MODEL = os.environ["MODEL"]
FOREIGN = "ft:gpt-4.1-mini:other::1"


class Person(BaseModel):
    """Who wrote the first program."""

    name: str
    year: int


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return "sunny" if city == "Paris" else "unknown"


def llm(case: str, **more: Any) -> ChatOpenAI:
    """The model of a case. Base URL and key are taken from the client's own variables where they are not given."""
    options = {"model": MODEL, "max_retries": 0, "default_headers": {"x-case": f"langchain-openai/{case}"}, **more}
    return ChatOpenAI(**options)


def ask(case: str, text: str, **more: Any) -> dict[str, Any]:
    """The answer to a text."""
    return {"text": llm(case, **more).invoke(text).text}


def streamed(parts: Any) -> dict[str, Any]:
    """A stream's text."""
    return pieces([part.text for part in parts if part.text])


def chat(case: str) -> dict[str, Any]:
    return ask(case, "Say it.")


def stream(case: str) -> dict[str, Any]:
    return streamed(llm(case).stream("Say it."))


async def async_stream(case: str) -> dict[str, Any]:
    return streamed([part async for part in llm(case).astream("Say it.")])


def tools(case: str) -> dict[str, Any]:
    bound = llm(case).bind_tools([get_weather])
    conversation: list[Any] = [HumanMessage("What is the weather in Paris?")]
    conversation.append(bound.invoke(conversation))
    conversation += results(conversation[-1])
    return {"text": bound.invoke(conversation).text}


def stream_tools(case: str) -> dict[str, Any]:
    bound = llm(case).bind_tools([get_weather])
    conversation: list[Any] = [HumanMessage("What is the weather in Paris?")]
    first, *others = bound.stream(conversation)
    for part in others:
        first += part
    conversation += [first, *results(first)]
    return streamed(bound.stream(conversation))


def results(message: Any) -> list[ToolMessage]:
    """The tools' results."""
    return [get_weather.invoke(call) for call in message.tool_calls]


def structured(case: str) -> dict[str, Any]:
    return {"data": llm(case).with_structured_output(Person).invoke("Who wrote the first program?").model_dump()}


def stream_structured(case: str) -> dict[str, Any]:
    *_, last = llm(case).with_structured_output(Person).stream("Who wrote the first program?")
    return {"data": last.model_dump()}


def forced_tool(case: str) -> dict[str, Any]:
    asked = llm(case).with_structured_output(Person, method="function_calling")
    return {"data": asked.invoke("Who wrote the first program?").model_dump()}


def responses(case: str) -> dict[str, Any]:
    return ask(case, "Say it.", use_responses_api=True)


def stream_responses(case: str) -> dict[str, Any]:
    return streamed(llm(case, use_responses_api=True).stream("Say it."))


def responses_tools(case: str) -> dict[str, Any]:
    bound = llm(case, use_responses_api=True).bind_tools([get_weather])
    conversation: list[Any] = [HumanMessage("What is the weather in Paris?")]
    conversation.append(bound.invoke(conversation))
    conversation += results(conversation[-1])
    return {"text": bound.invoke(conversation).text}


def responses_structured(case: str) -> dict[str, Any]:
    asked = llm(case, use_responses_api=True).with_structured_output(Person)
    return {"data": asked.invoke("Who wrote the first program?").model_dump()}


def embeddings(case: str) -> dict[str, Any]:
    # The check counts tokens with tables that are fetched from elsewhere.
    options = {"check_embedding_ctx_length": False, "default_headers": {"x-case": f"langchain-openai/{case}"}}
    return {"vector": OpenAIEmbeddings(model="text-embedding-3-small", **options).embed_query("A clause.")}


def with_raw(case: str) -> dict[str, Any]:
    answer = llm(case, include_response_headers=True).invoke("Say it.")
    headers = answer.response_metadata["headers"]
    return {"text": answer.text, "headers": {name: headers[name] for name in OURS}}


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
    return streamed(llm(case).stream("Break off."))


if __name__ == "__main__":
    os.environ["OPENAI_API_BASE"] = os.environ["BASE_URL"] + "/v1"
    os.environ["OPENAI_API_KEY"] = os.environ["API_KEY"]
    tell(globals())
