#!/usr/bin/env node
// An agent: a model that calls the tools of a mindflight server until it can answer.
//
//     node agent.mjs ["What to do."]
//
// MINDFLIGHT_URL, MINDFLIGHT_KEY                 the server, and a key with the scope tools:call
// OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODEL  a Chat Completions API; without it a script plays the model

import { setTimeout as sleep } from "node:timers/promises";

import { reply } from "./scripted.mjs";

const { MINDFLIGHT_KEY, OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODEL } = process.env;
const MINDFLIGHT_URL = process.env.MINDFLIGHT_URL || "http://127.0.0.1:8080";

const TASK = "Greet Ada, and tell her what 17 * 23 + 9 is.";
const MAX_STEPS = 8; // turns of the model
const MAX_TRIES = 4; // of one request, while its server asks for patience
const MAX_WAIT = 30; // seconds that are waited for one more try
const TIMEOUT = 120; // seconds for an answer

/** What ends the agent, as a sentence for a person. */
class Failure extends Error {}

/** Sends a request; waits and tries again when the server says when (429 and 503 with Retry-After). */
async function send(method, url, key, body) {
  const headers = { "Content-Type": "application/json" };
  if (key) headers.Authorization = `Bearer ${key}`;
  for (let triesLeft = MAX_TRIES - 1; ; triesLeft--) {
    const answer = await sendOnce(url, { method, headers, body });
    const wait = answer.headers.get("Retry-After") ?? "";
    const patient = [429, 503].includes(answer.status) && /^\d+$/.test(wait) && Number(wait) <= MAX_WAIT;
    if (!patient || triesLeft === 0) return answer;
    await sleep(Number(wait) * 1000);
  }
}

async function sendOnce(url, request) {
  try {
    const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT * 1000) });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  } catch (error) {
    const reason = error.cause?.message || error.cause?.code || error.message;
    throw new Failure(`no answer from ${url} (is it running there?): ${reason}`);
  }
}

/** One line for the terminal: of an error, the problem's code and detail. */
function summary({ text }) {
  try {
    const { code, detail } = JSON.parse(text);
    if (code && detail) return `${code}: ${detail}`;
  } catch {
    // Then it is shown as it is.
  }
  return text.slice(0, 200);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure(`this is not JSON: ${text.slice(0, 200)}`);
  }
}

async function mindflight(method, path, body) {
  const answer = await send(method, MINDFLIGHT_URL.replace(/\/+$/, "") + path, MINDFLIGHT_KEY, body);
  if (answer.status === 401) throw new Failure(`MINDFLIGHT_KEY is not accepted: ${summary(answer)}`);
  return answer;
}

async function listTools() {
  const answer = await mindflight("GET", "/api/tools?format=openai&limit=1000");
  if (answer.status !== 200) throw new Failure(`the tools cannot be listed: ${answer.status} ${summary(answer)}`);
  return parse(answer.text).items;
}

/** Calls one tool. The arguments go as the model wrote them; the server says what is wrong with them. */
function callTool({ function: { name, arguments: text } }) {
  return mindflight("POST", `/api/tools/${encodeURIComponent(name)}`, text || "{}");
}

/** The model's next message: text, or tool calls. */
async function askModel(messages, tools) {
  if (!OPENAI_BASE_URL) return reply(messages);
  const body = JSON.stringify({ model: OPENAI_MODEL, messages, tools });
  const answer = await send("POST", `${OPENAI_BASE_URL.replace(/\/+$/, "")}/chat/completions`, OPENAI_API_KEY, body);
  if (answer.status !== 200) throw new Failure(`the model cannot be asked: ${answer.status} ${answer.text.slice(0, 500)}`);
  return parse(answer.text).choices[0].message;
}

async function run(task) {
  if (OPENAI_BASE_URL && !OPENAI_MODEL) throw new Failure("OPENAI_MODEL is not set; name a model of OPENAI_BASE_URL");
  const tools = await listTools();
  console.log(`${tools.length} tools at ${MINDFLIGHT_URL}, model: ${OPENAI_BASE_URL ? OPENAI_MODEL : "scripted"}`);
  console.log(`task: ${task}`);
  const messages = [{ role: "user", content: task }];
  for (let step = 0; step < MAX_STEPS; step++) {
    const message = await askModel(messages, tools);
    messages.push(message);
    const calls = message.tool_calls ?? [];
    if (calls.length === 0) return console.log(`answer: ${message.content}`);
    for (const call of calls) console.log(`call: ${call.function.name} ${call.function.arguments}`);
    const answers = await Promise.all(calls.map(callTool));
    for (const [index, answer] of answers.entries()) {
      console.log(`  ${answer.status} ${summary(answer)} (request ${answer.headers.get("X-Request-Id")})`);
      // Errors too: they say what to correct.
      messages.push({ role: "tool", tool_call_id: calls[index].id, content: answer.text });
    }
  }
  throw new Failure(`the model has not answered after ${MAX_STEPS} steps`);
}

try {
  await run(process.argv[2] ?? TASK);
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
