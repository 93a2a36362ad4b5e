// Webhooks end to end: every field in which a request names an address; and docs/webhooks.md, whose examples read what is really sent.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { signedHeaders } from "../../src/gateway/jobs/webhooks.ts";
import { temporaryFolder } from "../../src/testing.ts";
import { until } from "../keys.ts";
import { GEMINI, hurriedClock, startRig } from "../rig.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const EVENT = { type: "video.completed", data: { id: "video_a", results: [] } };
const PYTHON = Bun.which("python3");

const folder = temporaryFolder();
let page: string;
beforeAll(async () => {
  page = await Bun.file(join(import.meta.dir, "../..", "docs", "webhooks.md")).text();
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

describe("the end of a job is sent to the URL that its request names", () => {
  const VIDEO = "gemini-omni-1.2-flash";
  const ways: [way: string, path: string, body: (url: string) => object, type: string][] = [
    ["videos", "/v1/videos", (webhook_url) => ({ model: VIDEO, prompt: "a fox", webhook_url }), "video.completed"],
    [
      "chat with a video model",
      "/v1/chat/completions",
      (webhook_url) => ({ model: VIDEO, messages: [{ role: "user", content: "a fox" }], webhook_url }),
      "video.completed",
    ],
    [
      "images in the background",
      "/v1/images/generations",
      (webhook_url) => ({ prompt: "a fox", background: true, webhook_url }),
      "image.completed",
    ],
    [
      "predictLongRunning",
      "/v1beta/models/veo-3.1-generate-preview:predictLongRunning",
      (url) => ({ instances: [{ prompt: "a fox" }], webhookConfig: { uris: [url] } }),
      "video.completed",
    ],
    [
      "interactions",
      "/v1beta/interactions",
      (url) => ({ model: VIDEO, input: "a fox", background: true, webhook_config: { uris: [url] } }),
      "video.completed",
    ],
  ];

  test.each(ways)(
    "%s",
    async (_, path, body, type) => {
      const received: { body: string; headers: Headers }[] = [];
      const hook = Bun.serve({
        port: 0,
        async fetch(request) {
          received.push({ body: await request.text(), headers: request.headers });
          return new Response(null, { status: 204 });
        },
      });
      await using rig = await startRig({
        tokens: [GEMINI],
        clock: hurriedClock(),
        settings: { "media.allow_private_hosts": ["localhost"] },
      });
      expect((await rig.call(path, { json: body(`http://localhost:${hook.port}/hook`) })).status).toBeLessThan(300);
      const [first] = await until(() => received.length > 0 && received);
      const [job] = (await rig.context.jobs.list(null, { limit: 1 })).jobs;
      expect(JSON.parse(first!.body)).toMatchObject({ type, data: { id: job!.id, status: "completed" } });
      expect(first!.headers.get("webhook-signature")).toStartWith("v1,");
      await hook.stop(true);
    },
    20_000,
  );
});

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
