// bun run bytecode-order: writes bytecode.order, by which the build lays out the bytecode: what a server runs lies together.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startProgram } from "../test/executable.ts";
import { BYTECODE_ORDER } from "./build.ts";

const MODEL = "gemini-nano-banana-2.1";
const CHAT = { model: MODEL, messages: [{ role: "user", content: "a fox in the snow" }] };
const CALLS: readonly [path: string, body: object][] = [
  ["/v1/chat/completions", CHAT],
  ["/v1/chat/completions", { ...CHAT, stream: true }],
  ["/v1/images/generations", { model: MODEL, prompt: "a fox in the snow" }],
  [`/v1beta/models/${MODEL}:generateContent`, { contents: [{ role: "user", parts: [{ text: "a fox in the snow" }] }] }],
];

const recorded = join(import.meta.dir, "recorded.order");
try {
  await using program = await startProgram({ env: { BUN_BYTECODE_ORDER_OUT: recorded } });
  const headers = { authorization: `Bearer ${program.key}`, "content-type": "application/json" };
  const responses = [
    await fetch(`${program.url}/admin/login`),
    await fetch(`${program.url}/v1/models`, { headers }),
    ...(await Promise.all(CALLS.map(([path, body]) => fetch(program.url + path, { method: "POST", headers, body: JSON.stringify(body) })))),
  ];
  for (const response of responses) {
    if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  }
  await program.terminate();
  await Bun.write(BYTECODE_ORDER, functionsOf(readFileSync(recorded, "utf8")));
} finally {
  rmSync(recorded, { force: true });
}

/** The version, and hashes of functions and modules: those of constants and strings are ten times as many and change nothing. */
function functionsOf(order: string): string {
  const lines = order.split("\n").filter((line) => /^(v\d|[FMN] )/.test(line));
  return `${lines.join("\n")}\n`;
}
