// What one JavaScript client does against a gateway: `node javascript_clients.mjs CLIENT URL KEY MODEL`.
const [client, url, key, model] = process.argv.slice(2);
const broken = model.split("/")[0] + "/broken";
const parameters = {
  type: "object",
  properties: { a: { type: "integer" }, b: { type: "integer" } },
  required: ["a", "b"],
  additionalProperties: false,
};
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
  await part("error", () => fails(() => api.chat.completions.create({ model: broken, messages })));
}

async function anthropic() {
  const { default: Anthropic } = await import("@anthropic-ai/sdk");
  const api = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
  await part("text", async () => (await api.messages.create({ model, max_tokens: 99, messages })).content[0].text === "Hello");
  await part("stream", async () => (await api.messages.stream({ model, max_tokens: 99, messages }).finalText()) === "Hello");
  await part("error", () => fails(() => api.messages.create({ model: broken, max_tokens: 9, messages })));
}

async function ai(made) {
  const { generateText, streamText, jsonSchema, stepCountIs, tool } = await import("ai");
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
