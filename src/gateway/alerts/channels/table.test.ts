// Channels against stand-ins that verify body and signature, what their refusals become, and that no secret is repeated.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SECRETS, type StandIns, startStandIns } from "../../../../test/alert-stand-ins.ts";
import { systemClock } from "../../../clock.ts";
import { virtualClock } from "../../../testing.ts";
import { createGuardedSend } from "../../media/ssrf-guard.ts";
import type { AlertMessage } from "./channel.ts";
import { sendMessage, withoutSecrets } from "./send.ts";
import { CHANNEL_KINDS, type ChannelKind, clipToBytes } from "./table.ts";

let far: StandIns;
beforeAll(() => {
  far = startStandIns();
});
afterAll(() => far[Symbol.asyncDispose]());

const deps = { guardedSend: createGuardedSend({ allowPrivateHosts: ["127.0.0.1"] }), clock: systemClock };
const stopping = new AbortController().signal;

const message: AlertMessage = {
  title: "flow2api: 2 incidents",
  lines: ["• New: 4 tokens of Gemini: key not valid <!channel> @everyone 令牌", "• Over: the disk"],
  ...{ urgent: true, isOver: false, url: "https://img.example.com/admin/settings/alerts", at: Date.now(), incidents: [] },
};

const send = (kind: ChannelKind, change: Partial<AlertMessage> = {}, config: Record<string, string> = far.config(kind)) =>
  sendMessage(deps, { kind, config }, { message: { ...message, ...change }, id: "msg_one", stopping });

describe("every kind", () => {
  test.each(CHANNEL_KINDS.map((kind) => [kind]))("%s is taken, signature and body as its vendor documents them", async (kind) => {
    expect(await send(kind)).toEqual({ ok: true });
    expect(far.received.at(-1)).toMatchObject({ kind, problem: null });
  });

  test.each(CHANNEL_KINDS.map((kind) => [kind]))("%s takes a message of two hundred long lines, cut to what it bears", async (kind) => {
    const lines = Array.from({ length: 200 }, (_, index) => `${index} ${"令牌🙂".repeat(40)}`);
    expect(await send(kind, { lines })).toEqual({ ok: true });
  });

  test("bodies are exactly these", async () => {
    const body = async (kind: ChannelKind) => {
      await send(kind);
      return far.received.at(-1)!.body;
    };
    const text = [message.title, ...message.lines, message.url].join("\n");
    expect(await body("slack")).toEqual({ text: text.replaceAll("<", "&lt;").replaceAll(">", "&gt;") });
    expect(await body("discord")).toEqual({ content: text, allowed_mentions: { parse: [] } });
    expect(await body("telegram")).toEqual({ chat_id: "-1001", text, link_preview_options: { is_disabled: true }, message_thread_id: 7 });
    expect(await body("wecom")).toEqual({ msgtype: "text", text: { content: text } });
    expect(await body("dingtalk")).toEqual({ msgtype: "text", text: { content: text } });
    expect(await body("feishu")).toEqual({
      ...{ timestamp: expect.stringMatching(/^\d{10}$/), sign: expect.any(String), msg_type: "text" },
      content: { text: text.replaceAll("<", "＜") },
    });
    expect(await body("ntfy")).toEqual({
      ...{ topic: SECRETS.ntfyTopic, title: message.title, message: message.lines.join("\n"), priority: 5, tags: ["warning"] },
      click: message.url,
    });
    expect(await body("bark")).toEqual({
      ...{ device_key: SECRETS.bark, title: message.title, body: [...message.lines, message.url].join("\n"), group: "flow2api" },
      ...{ url: message.url, level: "timeSensitive" },
    });
    expect(await body("webhook")).toMatchObject({
      id: "msg_one",
      type: "alert",
      title: message.title,
      lines: message.lines,
      urgent: true,
      text,
    });
  });
});

describe("a refusal", () => {
  const CASES: [ChannelKind, Record<string, string>, object][] = [
    [
      "feishu",
      { secret: "wrong-secret" },
      { said: "19021 sign match fail or timestamp is not within one hour from current time", retry: false },
    ],
    ["dingtalk", { secret: "wrong-secret" }, { said: "310000 sign not match", retry: false }],
    ["wecom", { url: "WRONG" }, { said: "93000 invalid webhook url", retry: false }],
    ["telegram", { chat: "1" }, { said: "400: Bad Request: chat not found", retry: false }],
    ["ntfy", { token: "tk_wrongtoken" }, { said: "403: 40301 forbidden", retry: false }],
    [
      "bark",
      { device: "wrong-device" },
      { said: "400: failed to get device token: failed to get […] device token from database", retry: false },
    ],
    ["webhook", { secret: "whsec_d3Jvbmctc2VjcmV0LXdyb25n" }, { said: "401: bad signature", retry: false }],
  ];
  test.each(CASES)("of %s is told in its own words, also where it comes with status 200", async (kind, change, expected) => {
    const config = { ...far.config(kind), ...change };
    if (config.url === "WRONG") config.url = `${far.url}/wecom/send?key=wrong-key-of-robot`;
    expect(await send(kind, {}, config)).toMatchObject({ ok: false, ...expected });
  });

  test.each([
    ["slack", { status: 500, text: "server_error" }, { said: "500: server_error", retry: true }],
    ["slack", { status: 404, text: "no_service" }, { said: "404: no_service", retry: false }],
    ["discord", { status: 429, text: '{"message":"You are being rate limited.","retry_after":2.5}' }, { retry: true, afterMs: 2500 }],
    [
      "telegram",
      { status: 429, text: '{"ok":false,"description":"Too Many Requests","parameters":{"retry_after":31}}' },
      { retry: true, afterMs: 31_000 },
    ],
    ["dingtalk", { status: 200, text: '{"errcode":130101,"errmsg":"send too fast"}' }, { said: "130101 send too fast", retry: true }],
    ["feishu", { status: 200, text: "<html>gateway</html>" }, { said: "gateway", retry: true }],
    ["webhook", { status: 503, text: "", headers: { "retry-after": "120" } }, { said: "503: status 503", retry: true, afterMs: 120_000 }],
    ["webhook", { status: 302, text: "", headers: { location: "http://169.254.169.254/" } }, { said: "302: status 302", retry: false }],
  ] as const)("of %s with %p is sent again or not", async (kind, fault, expected) => {
    far.faults.set(kind, [fault]);
    expect(await send(kind)).toMatchObject({ ok: false, ...expected });
  });

  test("by nobody: a host that cannot be reached may come back, one that is private may not be called", async () => {
    const gone = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const { port } = gone;
    await gone.stop(true);
    expect(await send("slack", {}, { url: `http://127.0.0.1:${port}/x` })).toMatchObject({
      ok: false,
      retry: true,
      said: expect.stringContaining("cannot be reached"),
    });
    const strict = { guardedSend: createGuardedSend({ allowPrivateHosts: [] }), clock: systemClock };
    const before = far.received.length;
    const verdict = await sendMessage(strict, { kind: "ntfy", config: far.config("ntfy") }, { message, id: "m", stopping });
    expect(verdict).toEqual({ ok: false, retry: false, said: "The URL's host 127.0.0.1 is not on the public internet." });
    expect(far.received).toHaveLength(before);
  });

  test("by silence ends after 15 s and may be sent again", async () => {
    const clock = virtualClock();
    far.faults.set("slack", ["hang"]);
    const sent = sendMessage({ ...deps, clock }, { kind: "slack", config: far.config("slack") }, { message, id: "m", stopping });
    while (far.faults.get("slack")!.length > 0) await Bun.sleep(2);
    await clock.advance(15_000);
    expect(await sent).toMatchObject({ ok: false, retry: true, said: expect.stringContaining("15 seconds") });
  });
});

describe("secrets", () => {
  test("of a channel are in no words that come back, in any spelling", () => {
    const target = {
      kind: "dingtalk" as const,
      config: { url: "https://x.example/robot/aaaaaa?access_token=tok en+1", secret: "SECsecret/1" },
    };
    const text = "bad https://x.example/robot/aaaaaa?access_token=tok%20en+1 and SECsecret/1, SECsecret%2F1, aaaaaa";
    expect(withoutSecrets(text, target)).not.toMatch(/aaaaaa|SECsecret|tok%20en/);
  });
});

test("text is cut between characters", () => {
  expect(clipToBytes("令牌令牌", 8)).toBe("令…");
  expect(clipToBytes("令牌", 6)).toBe("令牌");
});

test.each([["webhook"], ["feishu"]] as const)("of a long refusal by %s no part of a secret is left at the cut", async (kind) => {
  const secret = far.config(kind).secret!;
  for (const before of [290, 297, 299]) {
    const text = "x".repeat(before) + secret;
    far.faults.set(kind, [{ status: 400, text: kind === "feishu" ? JSON.stringify({ code: 7, msg: text }) : text }]);
    const verdict = await send(kind);
    const { ok, said } = verdict as { ok: boolean; said: string };
    expect([ok, said.includes("xxx")]).toEqual([false, true]);
    for (let length = 1; length <= secret.length; length++) expect(said.endsWith(`x${secret.slice(0, length)}…`)).toBe(false);
    expect(said.length).toBeLessThanOrEqual(310);
  }
});
