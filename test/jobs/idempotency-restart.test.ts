// An Idempotency-Key and a stored response across kill -9, with the executable: what was answered is answered again, nothing is sent twice.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Program, startProgram } from "../executable.ts";
import { until } from "../keys.ts";

setDefaultTimeout(60_000);

const MODEL = "gemini-3.1-flash-image";
const GEMINI = [{ provider: "gemini", secret: "alpha-project.key-one" }];

const ROUTES: [name: string, path: string, body: object][] = [
  ["chat", "/v1/chat/completions", { model: MODEL, messages: [{ role: "user", content: "a fox" }] }],
  ["chat below Google's prefix", "/v1beta/openai/chat/completions", { model: MODEL, messages: [{ role: "user", content: "a fox" }] }],
  ["responses", "/v1/responses", { model: MODEL, input: "a fox" }],
];

type Answer = {
  id: string;
  output: { type: string; id: string }[];
  data: { type: string; content: { text: string }[] }[];
  error: { code: string };
};

function call(program: Program, path: string, { json, name, method }: { json?: object; name?: string; method?: string } = {}) {
  const headers: Record<string, string> = { authorization: `Bearer ${program.key}`, "content-type": "application/json" };
  if (name !== undefined) headers["idempotency-key"] = name;
  return fetch(`${program.url}${path}`, {
    method: method ?? (json ? "POST" : "GET"),
    headers,
    ...(json ? { body: JSON.stringify(json) } : {}),
  });
}
const ask = async (...args: Parameters<typeof call>) => (await (await call(...args)).json()) as Answer;
const generated = ({ simulator }: Program) => simulator.calls().filter(({ operation }) => operation === "gemini.generate").length;
const kill = async (program: Program) => {
  await program.terminate("SIGKILL");
  await program.serve();
};
/** Links name the address of the server, which is another after its restart. */
const settled = (response: Answer) => JSON.stringify(response).replaceAll(/http:\/\/localhost:\d+|http:\/\/127\.0\.0\.1:\d+/g, "");

test("what was answered before the kill is answered again, and streamed from what is stored", async () => {
  await using program = await startProgram({ tokens: GEMINI });
  const ask20 = (path: string, json: object, name: string) =>
    Promise.all(Array.from({ length: 20 }, () => ask(program, path, { json, name })));
  const before = [];
  for (const [name, path, json] of ROUTES) before.push(settled((await ask20(path, json, name))[0]!));
  // One name on both addresses of chat would be one request; these are three.
  expect(generated(program)).toBe(3);
  await kill(program);
  for (const [index, [name, path, json]] of ROUTES.entries()) {
    const after = await ask20(path, json, name);
    expect(new Set(after.map(settled))).toEqual(new Set([before[index]!]));
    const streamed = await (await call(program, path, { json: { ...json, stream: true }, name })).text();
    expect(streamed).toContain("Here is your image.");
  }
  expect(generated(program)).toBe(3);
});

test.each(ROUTES)("%s: cut off by the kill, it is reported so and not sent again", async (name, path, json) => {
  await using program = await startProgram({ tokens: GEMINI, simulator: { faults: "gemini.generate=hang" } });
  const asking = ask(program, path, { json, name }).catch(() => "cut");
  await until(() => generated(program) === 1);
  await kill(program);
  expect(await asking).toBe("cut");
  program.simulator.setFaults("");
  const responses = await Promise.all(Array.from({ length: 20 }, () => call(program, path, { json, name })));
  expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 502));
  expect(generated(program)).toBe(1);
});

describe("a response that is stored", () => {
  test("is there after a kill: to look at, to go on from, by its items, and gone when deleted", async () => {
    await using program = await startProgram({ tokens: GEMINI });
    const first = await ask(program, "/v1/responses", { json: { model: MODEL, input: "a fox" } });
    await kill(program);
    expect(await ask(program, `/v1/responses/${first.id}`)).toEqual(first);
    const second = await ask(program, "/v1/responses", { json: { model: MODEL, input: "now blue", previous_response_id: first.id } });
    await kill(program);
    const { data } = await ask(program, `/v1/responses/${second.id}/input_items?order=asc`);
    expect(data.map(({ type, content }) => content?.[0]?.text ?? type)).toEqual([
      "a fox",
      "Here is your image.",
      "image_generation_call",
      "now blue",
    ]);
    const drawn = second.output.find(({ type }) => type === "image_generation_call")!;
    const input = [
      { type: "item_reference", id: drawn.id },
      { role: "user", content: "now green" },
    ];
    expect((await call(program, "/v1/responses", { json: { model: MODEL, input } })).status).toBe(200);
    const parts = program.simulator.calls().findLast(({ operation }) => operation === "gemini.generate")!.body as {
      contents: { parts: object[] }[];
    };
    expect(parts.contents[0]!.parts[0]).toHaveProperty("inlineData");
    expect((await call(program, `/v1/responses/${first.id}`, { method: "DELETE" })).status).toBe(200);
    await kill(program);
    expect((await call(program, `/v1/responses/${first.id}`)).status).toBe(404);
    expect((await call(program, `/v1/responses/${second.id}`)).status).toBe(200);
  });
});
