// What a user of the Vercel AI SDK writes, a function a case. API says which kind of model it is given: `responses`
// (what openai() makes), `chat` (openai.chat()) or `messages` (anthropic()). OPENAI_BASE_URL, ANTHROPIC_BASE_URL (with
// /v1 here) and the variables of the keys are the SDK's own.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { embed, generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { ours, pieces, tell } from "./telling.mjs";

const { API, BAD_KEY, MODEL } = process.env;
const made = {
  chat: (name, settings) => createOpenAI(settings).chat(name),
  responses: (name, settings) => createOpenAI(settings)(name),
  messages: (name, settings) => createAnthropic(settings)(name),
}[API];
const Person = z.object({ name: z.string(), year: z.number() });
const get_weather = tool({
  description: "Looks out.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => (city === "Paris" ? "sunny" : "unknown"),
});
const asks = (prompt, headers) => ({ model: made(MODEL), prompt, headers, maxRetries: 0 });
const weather = (headers) => ({
  ...asks("What is the weather in Paris?", headers), tools: { get_weather }, stopWhen: stepCountIs(3),
});
const shaped = (headers) => ({
  ...asks("Who wrote the first program?", headers), output: Output.object({ schema: Person }),
});

async function chat(headers) {
  const { text, finishReason, usage, response } = await generateText(asks("Say it.", headers));
  return { text, finish: finishReason, served: response.modelId, used: usage.totalTokens };
}

async function with_raw(headers) {
  const { text, response } = await generateText(asks("Say it.", headers));
  return { text, ...ours((name) => response.headers[name]) };
}

async function stream(headers) {
  const { textStream, finishReason, usage } = streamText(asks("Say it.", headers));
  const got = pieces(await all(textStream));
  return { ...got, finish: await finishReason, used: (await usage).totalTokens ?? null };
}

async function tools(headers) {
  const { text, steps } = await generateText(weather(headers));
  return { text, called: steps[0].toolCalls[0].input };
}

async function stream_tools(headers) {
  const { textStream, steps } = streamText(weather(headers));
  const got = pieces(await all(textStream));
  return { ...got, called: (await steps)[0].toolCalls[0].input };
}

async function structured(headers) {
  return { data: (await generateText(shaped(headers))).output };
}

async function stream_structured(headers) {
  return { data: await streamText(shaped(headers)).output };
}

async function embeddings(headers) {
  const model = createOpenAI().embedding("text-embedding-3-small");
  return { vector: (await embed({ model, value: "A clause.", headers, maxRetries: 0 })).embedding };
}

async function bad_key(headers) {
  return generateText({ ...asks("Say it.", headers), model: made(MODEL, { apiKey: BAD_KEY }) });
}

async function foreign_model(headers) {
  return generateText({ ...asks("Say it.", headers), model: made("ft:gpt-4.1-mini:other::1") });
}

async function retries(headers) {
  return { text: (await generateText({ ...asks("Fail twice.", headers), maxRetries: 2 })).text };
}

async function timeout(headers) {
  return generateText({ ...asks("Never answer.", headers), abortSignal: AbortSignal.timeout(1000) });
}

async function broken_stream(headers) {
  const parts = [];
  for await (const part of streamText({ ...asks("Break off.", headers), onError: () => {} }).fullStream) {
    if (part.type === "error") throw part.error;
    if (part.type === "text-delta") parts.push(part.text);
  }
  return pieces(parts);
}

async function all(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

const failing = (status) => (headers) => generateText(asks(`Fail with ${status}.`, headers));

await tell({
  chat, with_raw, stream, tools, stream_tools, structured, stream_structured, embeddings, bad_key, foreign_model,
  error_401: failing(401), error_404: failing(404), error_429: failing(429), error_500: failing(500),
  retries, timeout, broken_stream,
});
