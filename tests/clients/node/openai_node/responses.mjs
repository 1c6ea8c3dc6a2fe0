// What a user of openai-node's Responses writes, a function a case. OPENAI_BASE_URL and OPENAI_API_KEY are the client's
// own variables.
import OpenAI from "openai";
import { zodResponsesFunction, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { ours, pieces } from "./telling.mjs";

const { BAD_KEY, MODEL: model } = process.env;
const client = new OpenAI({ maxRetries: 0 });
const Person = z.object({ name: z.string(), year: z.number() });
const tools = [zodResponsesFunction({ name: "get_weather", parameters: z.object({ city: z.string() }) })];
const getWeather = ({ city }) => (city === "Paris" ? "sunny" : "unknown");
const asked = () => [{ role: "user", content: "What is the weather in Paris?" }];
const shaped = { model, input: "Who wrote the first program?", text: { format: zodTextFormat(Person, "person") } };
const ask = (input, options) => client.responses.create({ model, input }, options);

async function chat(headers) {
  const { output_text: text, status, model: served, usage } = await ask("Say it.", { headers });
  return { text, finish: status, served, used: usage.total_tokens };
}

async function with_raw(headers) {
  const { data, response } = await ask("Say it.", { headers }).withResponse();
  return { text: data.output_text, ...ours((name) => response.headers.get(name)) };
}

async function stream(headers) {
  const parts = [];
  let finish = null;
  for await (const event of await client.responses.create({ model, input: "Say it.", stream: true }, { headers })) {
    if (event.type === "response.output_text.delta") parts.push(event.delta);
    if (event.type === "response.completed") finish = event.response.status;
  }
  return { ...pieces(parts), finish };
}

async function round_trip(headers) {
  const input = asked();
  const { call, said } = calling(await client.responses.parse({ model, input, tools }, { headers }));
  const last = await client.responses.create({ model, input: [...input, ...said], tools }, { headers });
  return { text: last.output_text, called: call.parsed_arguments };
}

async function stream_tools(headers) {
  const input = asked();
  const first = await client.responses.stream({ model, input, tools }, { headers }).finalResponse();
  const { call, said } = calling(first);
  const parts = [];
  const second = client.responses.stream({ model, input: [...input, ...said], tools }, { headers });
  second.on("response.output_text.delta", ({ delta }) => parts.push(delta));
  await second.finalResponse();
  return { ...pieces(parts), called: call.parsed_arguments };
}

function calling({ output }) {
  const call = output.find(({ type }) => type === "function_call");
  const { parsed_arguments, ...said } = call;
  const result = { type: "function_call_output", call_id: call.call_id, output: getWeather(parsed_arguments) };
  return { call, said: [said, result] };
}

async function structured(headers) {
  return { data: (await client.responses.parse(shaped, { headers })).output_parsed };
}

async function stream_structured(headers) {
  return { data: (await client.responses.stream(shaped, { headers }).finalResponse()).output_parsed };
}

async function bad_key(headers) {
  return client.withOptions({ apiKey: BAD_KEY }).responses.create({ model, input: "Say it." }, { headers });
}

async function foreign_model(headers) {
  return client.responses.create({ model: "ft:gpt-4.1-mini:other::1", input: "Say it." }, { headers });
}

async function retries(headers) {
  return { text: (await ask("Fail twice.", { headers, maxRetries: 2 })).output_text };
}

async function broken_stream(headers) {
  const response = await client.responses.stream({ model, input: "Break off." }, { headers }).finalResponse();
  return { text: response.output_text };
}

const failing = (status) => (headers) => ask(`Fail with ${status}.`, { headers });

export const cases = {
  chat, with_raw, stream, tools: round_trip, stream_tools, structured, stream_structured, bad_key, foreign_model,
  error_401: failing(401), error_404: failing(404), error_429: failing(429), error_500: failing(500),
  retries, timeout: (headers) => ask("Never answer.", { headers, timeout: 1000 }), broken_stream,
};
