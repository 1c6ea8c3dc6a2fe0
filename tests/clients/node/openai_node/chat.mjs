// What a user of openai-node's chat completions writes, a function a case; and of the interfaces that have no other.
// OPENAI_BASE_URL and OPENAI_API_KEY are the client's own variables.
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { ours, pieces } from "./telling.mjs";

const { BAD_KEY, MODEL: model } = process.env;
const client = new OpenAI({ maxRetries: 0 });
const Person = z.object({ name: z.string(), year: z.number() });
const weather = { name: "get_weather", parameters: z.object({ city: z.string() }) };
const getWeather = ({ city }) => (city === "Paris" ? "sunny" : "unknown");
const says = (content) => ({ model, messages: [{ role: "user", content }] });
const ask = (body, options) => client.chat.completions.create(body, options);

async function chat(headers) {
  const { choices, model: served, usage } = await ask(says("Say it."), { headers });
  return { text: choices[0].message.content, finish: choices[0].finish_reason, served, used: usage.total_tokens };
}

async function with_raw(headers) {
  const { data, response } = await ask(says("Say it."), { headers }).withResponse();
  return { text: data.choices[0].message.content, ...ours((name) => response.headers.get(name)) };
}

async function stream(headers) {
  const parts = [];
  let finish = null;
  let usage = null;
  for await (const chunk of await ask({ ...says("Say it."), stream: true }, { headers })) {
    const [{ delta, finish_reason }] = chunk.choices; // each chunk has one, since nobody asked for usage
    if (delta.content) parts.push(delta.content);
    finish = finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }
  return { ...pieces(parts), finish, usage };
}

async function tools(headers) {
  const tools = [zodFunction({ ...weather, function: getWeather })];
  const runner = client.chat.completions.runTools({ ...says("What is the weather in Paris?"), tools }, { headers });
  const text = await runner.finalContent();
  return { text, called: JSON.parse((await runner.finalFunctionToolCall()).arguments) };
}

async function stream_tools(headers) {
  const asked = { ...says("What is the weather in Paris?"), tools: [zodFunction(weather)] };
  const first = await client.chat.completions.stream(asked, { headers }).finalChatCompletion();
  const [{ message, finish_reason: finish }] = first.choices;
  const [{ id, type, function: { name, arguments: json, parsed_arguments: called } }] = message.tool_calls;
  const said = { role: "assistant", tool_calls: [{ id, type, function: { name, arguments: json } }] };
  const messages = [...asked.messages, said, { role: "tool", tool_call_id: id, content: getWeather(called) }];
  const parts = [];
  const second = client.chat.completions.stream({ ...asked, messages }, { headers });
  second.on("content", (part) => parts.push(part));
  await second.done();
  return { ...pieces(parts), called, finish };
}

async function structured(headers) {
  const body = { ...says("Who wrote the first program?"), response_format: zodResponseFormat(Person, "person") };
  const completion = await client.chat.completions.parse(body, { headers });
  return { data: completion.choices[0].message.parsed };
}

async function stream_structured(headers) {
  const format = { response_format: zodResponseFormat(Person, "person"), stream_options: { include_usage: true } };
  const body = { ...says("Who wrote the first program?"), ...format };
  const completion = await client.chat.completions.stream(body, { headers }).finalChatCompletion();
  return { data: completion.choices[0].message.parsed, used: completion.usage.total_tokens };
}

async function completions(headers) {
  const parts = [];
  for await (const chunk of await client.completions.create({ model, prompt: "Say it.", stream: true }, { headers })) {
    parts.push(chunk.choices[0].text);
  }
  return pieces(parts);
}

async function embeddings(headers) {
  const answer = await client.embeddings.create({ model: "text-embedding-3-small", input: "A clause." }, { headers });
  return { vector: answer.data[0].embedding };
}

async function models(headers) {
  const found = [];
  for await (const { id } of client.models.list({ headers })) found.push(id);
  return { models: found };
}

async function bad_key(headers) {
  const stranger = client.withOptions({ apiKey: BAD_KEY });
  return stranger.chat.completions.create(says("Say it."), { headers });
}

async function retries(headers) {
  const completion = await ask(says("Fail twice."), { headers, maxRetries: 2 });
  return { text: completion.choices[0].message.content };
}

async function broken_stream(headers) {
  const parts = [];
  for await (const { choices } of await ask({ ...says("Break off."), stream: true }, { headers })) {
    parts.push(choices[0].delta.content);
  }
  return pieces(parts);
}

const failing = (status) => (headers) => ask(says(`Fail with ${status}.`), { headers });

export const cases = {
  chat, with_raw, stream, tools, stream_tools, structured, stream_structured, completions, embeddings, models, bad_key,
  foreign_model: (headers) => ask({ ...says("Say it."), model: "ft:gpt-4.1-mini:other::1" }, { headers }),
  error_401: failing(401), error_404: failing(404), error_429: failing(429), error_500: failing(500),
  retries, timeout: (headers) => ask(says("Never answer."), { headers, timeout: 1000 }), broken_stream,
};
