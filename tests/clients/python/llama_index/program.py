"""What a user of llama-index's OpenAILike writes, one function a case. Run by the tests, in an environment of its
own."""

import os
from typing import Any

from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike, OpenAILikeResponses
from pydantic import BaseModel
from telling import pieces, tell

MODEL = os.environ["MODEL"]
FOREIGN = "ft:gpt-4.1-mini:other::1"
WHO = PromptTemplate("Who wrote the first program?")


class Person(BaseModel):
    """Who wrote the first program."""

    name: str
    year: int


def get_weather(city: str) -> str:
    """The weather of a city."""
    return "sunny" if city == "Paris" else "unknown"


TOOL = FunctionTool.from_defaults(get_weather)


def llm(case: str, **more: Any) -> OpenAILike:
    """The model of a case. Base URL and key are given: it reads no variables for them."""
    options = {
        "model": MODEL,
        "api_base": os.environ["BASE_URL"] + "/v1",
        "api_key": os.environ["API_KEY"],
        "is_chat_model": True,
        "is_function_calling_model": True,
        "max_retries": 0,
        "default_headers": {"x-case": f"llama-index/{case}"},
        **more,
    }
    return OpenAILike(**options)


def says(text: str) -> list[ChatMessage]:
    """A conversation of one message."""
    return [ChatMessage(role="user", content=text)]


def ask(case: str, text: str, **more: Any) -> dict[str, Any]:
    """The answer to a text."""
    return {"text": llm(case, **more).chat(says(text)).message.content}


def deltas(parts: Any) -> dict[str, Any]:
    """A stream's text."""
    return pieces([part.delta for part in parts if part.delta])


def chat(case: str) -> dict[str, Any]:
    return ask(case, "Say it.")


def stream(case: str) -> dict[str, Any]:
    return deltas(llm(case).stream_chat(says("Say it.")))


async def async_stream(case: str) -> dict[str, Any]:
    return deltas([part async for part in await llm(case).astream_chat(says("Say it."))])


def tools(case: str) -> dict[str, Any]:
    ours = llm(case)
    conversation = says("What is the weather in Paris?")
    answer = ours.chat_with_tools([TOOL], chat_history=conversation)
    conversation += [answer.message, *results(ours, answer)]
    return {"text": ours.chat_with_tools([TOOL], chat_history=conversation).message.content}


def stream_tools(case: str) -> dict[str, Any]:
    ours = llm(case)
    conversation = says("What is the weather in Paris?")
    *_, answer = ours.stream_chat_with_tools([TOOL], chat_history=conversation)
    conversation += [answer.message, *results(ours, answer)]
    return deltas(ours.stream_chat_with_tools([TOOL], chat_history=conversation))


def results(ours: OpenAILike, answer: Any) -> list[ChatMessage]:
    """The tools' results."""
    return [
        ChatMessage(
            role="tool", content=get_weather(**call.tool_kwargs), additional_kwargs={"tool_call_id": call.tool_id}
        )
        for call in ours.get_tool_calls_from_response(answer)
    ]


def structured(case: str) -> dict[str, Any]:
    ours = llm(case, should_use_structured_outputs=True)
    return {"data": ours.structured_predict(Person, WHO).model_dump()}


def stream_structured(case: str) -> dict[str, Any]:
    *_, last = llm(case).stream_structured_predict(Person, WHO)
    return {"data": last.model_dump()}


def forced_tool(case: str) -> dict[str, Any]:
    """Its own way: the value is the arguments of a tool."""
    return {"data": llm(case).structured_predict(Person, WHO).model_dump()}


def responses_llm(case: str) -> OpenAILikeResponses:
    """The same over the other API."""
    options = {"api_base": os.environ["BASE_URL"] + "/v1", "api_key": os.environ["API_KEY"], "max_retries": 0}
    headers = {"x-case": f"llama-index/{case}"}
    return OpenAILikeResponses(model=MODEL, default_headers=headers, context_window=8_000, **options)


def responses(case: str) -> dict[str, Any]:
    return {"text": responses_llm(case).chat(says("Say it.")).message.content}


def stream_responses(case: str) -> dict[str, Any]:
    return deltas(responses_llm(case).stream_chat(says("Say it.")))


def completions(case: str) -> dict[str, Any]:
    return {"text": llm(case, is_chat_model=False).complete("Say it.").text}


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
    return deltas(llm(case).stream_chat(says("Break off.")))


if __name__ == "__main__":
    tell(globals())
