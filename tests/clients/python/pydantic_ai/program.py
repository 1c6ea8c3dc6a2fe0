"""What a user of pydantic-ai writes, one function a case. Run by the tests, in an environment of its own."""

import os
from typing import Any

import openai
from pydantic import BaseModel
from pydantic_ai import Agent, Embedder, NativeOutput
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from telling import pieces, tell

MODEL = os.environ["MODEL"]
FOREIGN = "ft:gpt-4.1-mini:other::1"


class Person(BaseModel):
    """Who wrote the first program."""

    name: str
    year: int


def get_weather(city: str) -> str:
    """The weather of a city."""
    return "sunny" if city == "Paris" else "unknown"


def provider(case: str, **more: Any) -> OpenAIProvider:
    """The provider of a case. Base URL and key are in the client's own variables where they are not given."""
    options = {"max_retries": 0, "default_headers": {"x-case": f"pydantic-ai/{case}"}, **more}
    return OpenAIProvider(openai_client=openai.AsyncOpenAI(**options))


def agent(case: str, *, kind: Any = OpenAIChatModel, model: str = MODEL, **more: Any) -> Agent[None, Any]:
    """An agent on the model of a case; what a client is not made with is the agent's."""
    theirs = {name: more.pop(name) for name in ("api_key", "timeout", "max_retries") if name in more}
    return Agent(kind(model, provider=provider(case, **theirs)), **more)


async def ask(case: str, text: str, **more: Any) -> dict[str, Any]:
    """The answer to a text."""
    return {"text": (await agent(case, **more).run(text)).output}


async def streamed(case: str, text: str, **more: Any) -> dict[str, Any]:
    """The same as a stream."""
    async with agent(case, **more).run_stream(text) as result:
        return pieces([piece async for piece in result.stream_text(delta=True, debounce_by=None)])


async def data(case: str, output: Any, **more: Any) -> dict[str, Any]:
    """An answer that is a value."""
    result = await agent(case, output_type=output, **more).run("Who wrote the first program?")
    return {"data": result.output.model_dump()}


async def chat(case: str) -> dict[str, Any]:
    return await ask(case, "Say it.")


async def stream(case: str) -> dict[str, Any]:
    return await streamed(case, "Say it.")


async def tools(case: str) -> dict[str, Any]:
    return await ask(case, "What is the weather in Paris?", tools=[get_weather])


async def stream_tools(case: str) -> dict[str, Any]:
    return await streamed(case, "What is the weather in Paris?", tools=[get_weather])


async def structured(case: str) -> dict[str, Any]:
    return await data(case, NativeOutput(Person))


async def stream_structured(case: str) -> dict[str, Any]:
    async with agent(case, output_type=NativeOutput(Person)).run_stream("Who wrote the first program?") as result:
        return {"data": (await result.get_output()).model_dump()}


async def forced_tool(case: str) -> dict[str, Any]:
    """Its own way: the value is the arguments of a tool."""
    return await data(case, Person)


async def responses(case: str) -> dict[str, Any]:
    return await ask(case, "Say it.", kind=OpenAIResponsesModel)


async def stream_responses(case: str) -> dict[str, Any]:
    return await streamed(case, "Say it.", kind=OpenAIResponsesModel)


async def responses_tools(case: str) -> dict[str, Any]:
    return await ask(case, "What is the weather in Paris?", kind=OpenAIResponsesModel, tools=[get_weather])


async def responses_structured(case: str) -> dict[str, Any]:
    return await data(case, NativeOutput(Person), kind=OpenAIResponsesModel)


async def embeddings(case: str) -> dict[str, Any]:
    model = OpenAIEmbeddingModel("text-embedding-3-small", provider=provider(case))
    return {"vector": list((await Embedder(model).embed_query("A clause.")).embeddings[0])}


async def bad_key(case: str) -> dict[str, Any]:
    return await ask(case, "Say it.", api_key=os.environ["BAD_KEY"])


async def error_401(case: str) -> dict[str, Any]:
    return await ask(case, "Fail with 401.")


async def error_404(case: str) -> dict[str, Any]:
    return await ask(case, "Fail with 404.")


async def foreign_model(case: str) -> dict[str, Any]:
    return await ask(case, "Say it.", model=FOREIGN)


async def error_429(case: str) -> dict[str, Any]:
    return await ask(case, "Fail with 429.")


async def error_500(case: str) -> dict[str, Any]:
    return await ask(case, "Fail with 500.")


async def retries(case: str) -> dict[str, Any]:
    return await ask(case, "Fail twice.", max_retries=2)


async def timeout(case: str) -> dict[str, Any]:
    return await ask(case, "Never answer.", timeout=3)


async def broken_stream(case: str) -> dict[str, Any]:
    return await streamed(case, "Break off.")


if __name__ == "__main__":
    os.environ["OPENAI_BASE_URL"] = os.environ["BASE_URL"] + "/v1"
    os.environ["OPENAI_API_KEY"] = os.environ["API_KEY"]
    tell(globals())
