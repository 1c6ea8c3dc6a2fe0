// What a user of anthropic-node writes, a function for each case. ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY are the
// client's own.
import Anthropic from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { z } from "zod";
import { ours, pieces, tell } from "./telling.mjs";

const client = new Anthropic({ maxRetries: 0 });
const base = { model: process.env.MODEL, max_tokens: 100 };
const Person = z.object({ name: z.string(), year: z.number() });
const shaped = { output_config: { format: zodOutputFormat(Person) } };
const city = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const getWeather = ({ city }) => (city === "Paris" ? "sunny" : "unknown");
const says = (content) => ({ ...base, messages: [{ role: "user", content }] });
const text = (message) => message.content.map((block) => block.text ?? "").join("");
const ask = (body, options) => client.messages.create(body, options);

async function chat(headers) {
  const message = await ask(says("Say it."), { headers });
  const { model, stop_reason, usage } = message;
  return { text: text(message), finish: stop_reason, served: model, used: usage.input_tokens + usage.output_tokens };
}

async function with_raw(headers) {
  const { data, response } = await ask(says("Say it."), { headers }).withResponse();
  return { text: text(data), ...ours((name) => response.headers.get(name)) };
}

async function stream(headers) {
  const parts = [];
  const got = {};
  for await (const event of await ask({ ...says("Say it."), stream: true }, { headers })) {
    if (event.type === "content_block_delta") parts.push(event.delta.text);
    if (event.type === "message_delta") got.finish = event.delta.stop_reason;
  }
  return { ...pieces(parts), ...got };
}

async function tools(headers) {
  const weather = { name: "get_weather", description: "Looks out.", inputSchema: z.object({ city: z.string() }) };
  const tools = [betaZodTool({ ...weather, run: getWeather })];
  const body = { ...says("What is the weather in Paris?"), tools, thread: false }; // the provider keeps no conversation
  const runner = client.beta.messages.toolRunner(body, { headers });
  return { text: text(await runner.runUntilDone()), called: runner.params.messages[1].content[0].input };
}

async function stream_tools(headers) {
  const tools = [{ name: "get_weather", description: "Looks out.", input_schema: city }];
  const { messages } = says("What is the weather in Paris?");
  const first = await client.messages.stream({ ...base, messages, tools }, { headers }).finalMessage();
  const { id, input } = first.content.find(({ type }) => type === "tool_use");
  const result = { type: "tool_result", tool_use_id: id, content: getWeather(input) };
  messages.push({ role: "assistant", content: first.content }, { role: "user", content: [result] });
  const parts = [];
  const second = client.messages.stream({ ...base, messages, tools }, { headers });
  second.on("text", (part) => parts.push(part));
  await second.done();
  return { ...pieces(parts), called: input, finish: first.stop_reason };
}

async function structured(headers) {
  const message = await client.messages.parse({ ...says("Who wrote the first program?"), ...shaped }, { headers });
  return { data: message.parsed_output };
}

async function stream_structured(headers) {
  const events = client.messages.stream({ ...says("Who wrote the first program?"), ...shaped }, { headers });
  return { data: (await events.finalMessage()).parsed_output };
}

async function forced_tool(headers) {
  const tools = [{ name: "person", description: "Who it was.", input_schema: z.toJSONSchema(Person) }];
  const body = { ...says("Who wrote the first program?"), tools, tool_choice: { type: "tool", name: "person" } };
  return { data: (await ask(body, { headers })).content[0].input };
}

async function count_tokens(headers) {
  const { max_tokens, ...counted } = says("Say it.");
  return { tokens: (await client.messages.countTokens(counted, { headers })).input_tokens };
}

async function models(headers) {
  const found = [];
  for await (const { id } of client.models.list({}, { headers })) found.push(id);
  return { models: found };
}

async function bad_key(headers) {
  return client.withOptions({ apiKey: process.env.BAD_KEY }).messages.create(says("Say it."), { headers });
}

async function retries(headers) {
  return { text: text(await ask(says("Fail twice."), { headers, maxRetries: 2 })) };
}

async function broken_stream(headers) {
  return { text: text(await client.messages.stream(says("Break off."), { headers }).finalMessage()) };
}

const failing = (status) => (headers) => ask(says(`Fail with ${status}.`), { headers });

await tell({
  chat, with_raw, stream, tools, stream_tools, structured, stream_structured, forced_tool, count_tokens, models,
  bad_key, foreign_model: (headers) => ask({ ...says("Say it."), model: "ft:gpt-4.1-mini:other::1" }, { headers }),
  error_401: failing(401), error_404: failing(404), error_429: failing(429), error_500: failing(500),
  retries, timeout: (headers) => ask(says("Never answer."), { headers, timeout: 1000 }), broken_stream,
});
