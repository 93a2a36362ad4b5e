// docs/webhooks.md said true: its examples read what is really sent, and refuse what is not.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { signedHeaders } from "../src/gateway/webhooks.ts";
import { temporaryFolder } from "../src/testing.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const EVENT = { type: "video.completed", data: { id: "video_a", results: [] } };
const PYTHON = Bun.which("python3");

const folder = temporaryFolder();
let page: string;
beforeAll(async () => {
  page = await Bun.file(join(import.meta.dir, "..", "docs", "webhooks.md")).text();
});
afterAll(() => folder[Symbol.dispose]());

const example = (language: string) => new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "ms").exec(page)![1]!;
const sent = (change: { body?: string; secret?: string; ageMs?: number } = {}) => {
  const payload = JSON.stringify(EVENT);
  const { body = payload, secret = SECRET, ageMs = 0 } = change;
  return { body, headers: signedHeaders({ id: "msg_a", payload }, secret, Date.now() - ageMs) };
};
const REFUSED: [string, Parameters<typeof sent>[0]][] = [
  ["a changed body", { body: '{"type":"video.failed"}' }],
  ["another secret", { secret: "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }],
  ["six minutes ago", { ageMs: 360_000 }],
  ["a time to come", { ageMs: -360_000 }],
];

describe("the example in TypeScript", () => {
  type Read = (body: string, headers: Headers, secret: string) => unknown;
  const load = async () => {
    const file = join(folder.path, "webhook.ts");
    await Bun.write(file, example("ts"));
    return (await import(file)).readWebhook as Read;
  };
  const read = async ({ body, headers }: ReturnType<typeof sent>) => (await load())(body, new Headers(headers), SECRET);

  test("reads what is sent", async () => expect(await read(sent())).toEqual(EVENT));
  test.each(REFUSED)("refuses %s", async (_, change) => expect(read(sent(change))).rejects.toThrow("This webhook is not"));
});

// Counted as skipped where there is no Python.
describe.skipIf(!PYTHON)("the example in Python", () => {
  const read = async ({ body, headers }: ReturnType<typeof sent>) => {
    const call = `import sys\nbody, headers = json.load(sys.stdin)\nprint(json.dumps(read_webhook(body.encode(), headers, "${SECRET}")))\n`;
    const stdin = new Blob([JSON.stringify([body, headers])]);
    const child = Bun.spawn([PYTHON!, "-c", example("python") + call], { stdin, stdout: "pipe", stderr: "pipe" });
    const [out, error] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return error || JSON.parse(out);
  };

  test("reads what is sent", async () => expect(await read(sent())).toEqual(EVENT));
  test.each(REFUSED)("refuses %s", async (_, change) => expect(await read(sent(change))).toContain("ValueError: This webhook is not"));
});
