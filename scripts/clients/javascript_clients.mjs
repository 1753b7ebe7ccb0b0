// What one JavaScript client does against a gateway: `node javascript_clients.mjs CLIENT URL KEY MODEL`.
const [client, url, key, model] = process.argv.slice(2);
const broken = model.split("/")[0] + "/broken";
const parameters = {
  type: "object",
  properties: { a: { type: "integer" }, b: { type: "integer" } },
  required: ["a", "b"],
  additionalProperties: false,
};
const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"], additionalProperties: false };
const messages = [{ role: "user", content: "Hi" }];
const added = (given) => String(given.a + given.b);

async function part(name, work) {
  let ok = false;
  let why = "";
  try {
    ok = Boolean(await work());
  } catch (error) {
    why = `${error.name}: ${String(error.message).slice(0, 200)}`;
  }
  console.log(JSON.stringify({ part: name, ok, why }));
}

async function fails(work) {
  try {
    await work();
  } catch (error) {
    return (error.status ?? error.statusCode) === 400;
  }
  return false;
}

async function openai() {
  const { default: OpenAI } = await import("openai");
  const api = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
  await part("text", async () => (await api.chat.completions.create({ model, messages })).choices[0].message.content === "Hello");
  await part("stream", async () => {
    let text = "";
    for await (const chunk of await api.chat.completions.create({ model, messages, stream: true })) {
      text += chunk.choices[0]?.delta?.content ?? "";
    }
    return text === "Hello";
  });
  await part("tools", async () => {
    const tools = [{ type: "function", function: { name: "add", parameters } }];
    const first = (await api.chat.completions.create({ model, messages, tools })).choices[0].message;
    const results = first.tool_calls.map((call) => ({
      role: "tool",
      tool_call_id: call.id,
      content: added(JSON.parse(call.function.arguments)),
    }));
    const last = await api.chat.completions.create({ model, messages: [...messages, first, ...results], tools });
    return results.length === 2 && last.choices[0].message.content === "The results are 5 and 2";
  });
  await part("json", async () => {
    const response_format = { type: "json_schema", json_schema: { name: "n", schema, strict: true } };
    const done = await api.chat.completions.create({ model, messages, response_format });
    return JSON.parse(done.choices[0].message.content).n === 5;
  });
  await part("error", () => fails(() => api.chat.completions.create({ model: broken, messages })));
}

async function anthropic() {
  const { default: Anthropic } = await import("@anthropic-ai/sdk");
  const api = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
  await part("text", async () => (await api.messages.create({ model, max_tokens: 99, messages })).content[0].text === "Hello");
  await part("stream", async () => (await api.messages.stream({ model, max_tokens: 99, messages }).finalText()) === "Hello");
  await part("tools", async () => {
    const tools = [{ name: "add", input_schema: parameters }];
    const first = await api.messages.stream({ model, max_tokens: 99, messages, tools }).finalMessage();
    const calls = first.content.filter((block) => block.type === "tool_use");
    const results = calls.map((call) => ({ type: "tool_result", tool_use_id: call.id, content: added(call.input) }));
    const turns = [...messages, { role: "assistant", content: first.content }, { role: "user", content: results }];
    const last = await api.messages.create({ model, max_tokens: 99, messages: turns, tools });
    return calls.length === 2 && last.content[0].text === "The results are 5 and 2";
  });
  await part("json", async () => {
    const output_config = { format: { type: "json_schema", schema } };
    const done = await api.messages.create({ model, max_tokens: 99, messages, output_config });
    return JSON.parse(done.content[0].text).n === 5;
  });
  await part("error", () => fails(() => api.messages.create({ model: broken, max_tokens: 9, messages })));
}

async function ai(made) {
  const { generateText, streamText, generateObject, jsonSchema, stepCountIs, tool } = await import("ai");
  const add = tool({ description: "Add", inputSchema: jsonSchema(parameters), execute: async (given) => added(given) });
  await part("text", async () => (await generateText({ model: made(model), prompt: "Hi" })).text === "Hello");
  await part("stream", async () => {
    let text = "";
    for await (const piece of streamText({ model: made(model), prompt: "Hi" }).textStream) text += piece;
    return text === "Hello";
  });
  await part("tools", async () => {
    const done = await generateText({ model: made(model), prompt: "Hi", tools: { add }, stopWhen: stepCountIs(3) });
    return done.text === "The results are 5 and 2";
  });
  await part("json", async () => {
    const done = await generateObject({ model: made(model), prompt: "Hi", schema: jsonSchema(schema) });
    return done.object.n === 5;
  });
  await part("error", () => fails(() => generateText({ model: made(broken), prompt: "Hi", maxRetries: 0 })));
}

const clients = {
  "openai (js)": openai,
  "anthropic (js)": anthropic,
  "ai-sdk chat": async () => {
    const { createOpenAI } = await import("@ai-sdk/openai");
    const api = createOpenAI({ baseURL: `${url}/v1`, apiKey: key });
    await ai((name) => api.chat(name));
  },
  "ai-sdk responses": async () => {
    const { createOpenAI } = await import("@ai-sdk/openai");
    const api = createOpenAI({ baseURL: `${url}/v1`, apiKey: key });
    await ai((name) => api.responses(name));
  },
  "ai-sdk anthropic": async () => {
    const { createAnthropic } = await import("@ai-sdk/anthropic");
    const api = createAnthropic({ baseURL: `${url}/v1`, apiKey: key });
    await ai((name) => api(name));
  },
};
await clients[client]();
