// Alerts over a real store and stand-ins: from a signal to a message, retries, refusals, pings, tests, and secrets.
import { afterEach, describe, expect, test } from "bun:test";
import { SECRETS, startStandIns } from "../../../test/alert-stand-ins.ts";
import { alertWords as en } from "../../../views/locales/en/alert-words.ts";
import { alertWords as zh } from "../../../views/locales/zh/alert-words.ts";
import { loadConfig } from "../../config/config.ts";
import { openStore } from "../../db/sqlite/store.ts";
import { createLog } from "../../log.ts";
import { temporaryFolder, type VirtualClock, virtualClock } from "../../testing.ts";
import { createGuardedSend } from "../media/ssrf-guard.ts";
import { Alerts } from "./alerts.ts";
import { CHANNEL_KINDS } from "./channels/table.ts";
import type { Signal } from "./facts.ts";
import { changeAfter } from "./outbox.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const SECOND = 1000;
const MINUTE = 60 * SECOND;

const blocked = (count: number): Signal => ({
  ...{ rule: "tokens_blocked", subject: "tokens:gemini:key_invalid", level: Math.floor(Math.log10(count)), urgent: false },
  facts: { kind: "tokens", provider: "gemini", reason: "key_invalid", count, names: ["birch-2", "elm-1"], families: [] },
});

type Options = { clock?: VirtualClock; folder?: string; settings?: Record<string, string | number>; kinds?: readonly string[] };

async function world({ clock = virtualClock(), folder, settings = {}, kinds = [] }: Options = {}) {
  const own = folder === undefined ? temporaryFolder() : null;
  const store = await openStore({ dataDir: folder ?? own!.path, secretKey: new Uint8Array(32).map((_, index) => index * 7) });
  const far = startStandIns(clock.now);
  const logged: string[] = [];
  const config = loadConfig({ file: null, env: {}, flags: settings });
  let signals: Signal[] = [];
  const send = createGuardedSend({ allowPrivateHosts: ["127.0.0.1"] });
  let underWay = 0;
  /** The clock must not run away from what really travels: an attempt would be over before it arrives. */
  const arrived = async () => {
    while (underWay > far.hanging.size) await Bun.sleep(1);
  };
  const alerts = new Alerts({
    ...{ store, clock, texts: { en, zh }, settings: () => config.settings },
    guardedSend: (...request) => {
      underWay++;
      return send(...request).finally(() => underWay--);
    },
    readSignals: async () => signals,
    log: createLog({ level: "debug", format: "json", write: (line) => logged.push(line) }),
  });
  for (const kind of kinds)
    await store.putChannel({
      ...{ id: kind, kind, name: `my ${kind}`, enabled: true, rules: [], createdAt: clock.now() },
      config: far.config(kind),
    });
  await alerts.start();
  /** Lets time go by in steps until something has happened. */
  const until = async (done: () => boolean | Promise<boolean>, stepMs = 500) => {
    for (let tries = 0; !(await done()); tries++) {
      if (tries > 1000) throw new Error("It did not happen.");
      await arrived();
      await clock.advance(stepMs);
      await Bun.sleep(2);
    }
  };
  closing.push(async () => {
    await alerts.stop();
    await store.close();
    await far[Symbol.asyncDispose]();
    own?.[Symbol.dispose]();
  });
  return {
    ...{ alerts, store, far, clock, logged, until },
    see: (...seen: Signal[]) => (signals = seen),
    /** Time goes by, with a look every five seconds. */
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 5 * SECOND) {
        await arrived();
        await clock.advance(5 * SECOND);
        await alerts.look();
      }
    },
    messages: () => store.listMessages({ limit: 100 }),
  };
}

const ALL = CHANNEL_KINDS.filter((kind) => kind !== "ping");

describe("an incident", () => {
  test("reaches all nine kinds of channels in the operator's language, signed, and each once", async () => {
    const { see, pass, far, until, store } = await world({
      kinds: ALL,
      settings: { "alerts.language": "zh", "server.public_url": "https://img.example.com" },
    });
    see(blocked(4));
    await pass(2 * MINUTE);
    await until(() => far.received.length >= ALL.length);
    const messages = () => store.listMessages({ limit: 99 });
    await until(async () => (await messages()).every(({ state }) => state === "sent"));
    expect((await store.listChannels()).every(({ okAt }) => okAt !== null)).toBe(true);
    expect(far.received.map(({ kind, problem }) => [kind, problem]).sort()).toEqual(
      ALL.map((kind) => [kind, null] as [string, null]).sort(),
    );
    const text = (far.received.find(({ kind }) => kind === "wecom")!.body as { text: { content: string } }).text.content;
    expect(text).toBe(
      "flow2api: 新: Gemini 的 4 个令牌：密钥无效\nbirch-2、elm-1 等 4 个。上游不认识此密钥或密钥已过期。请更换密钥，然后解除阻止。\nhttps://img.example.com/admin/settings/alerts",
    );
    expect((await messages()).map(({ attempts }) => attempts)).toEqual(ALL.map(() => 1));
  });

  test("of rules that a channel does not take is not sent there", async () => {
    const { see, pass, store, far, messages, clock } = await world();
    const config = far.config("slack");
    await store.putChannel({
      ...{ id: "a", kind: "slack", name: "a", enabled: true, rules: ["pool_empty"], createdAt: clock.now() },
      config,
    });
    await store.putChannel({
      ...{ id: "b", kind: "slack", name: "b", enabled: true, rules: ["tokens_blocked"], createdAt: clock.now() },
      config,
    });
    await store.putChannel({ ...{ id: "c", kind: "slack", name: "c", enabled: false, rules: [], createdAt: clock.now() }, config });
    see(blocked(4));
    await pass(2 * MINUTE);
    expect((await messages()).map(({ channelId }) => channelId)).toEqual(["b"]);
  });

  test("is in the history with its beginning and end, and settles when its end was sent", async () => {
    const { see, pass, store, alerts, messages } = await world({ kinds: ["slack"] });
    see(blocked(4));
    await pass(3 * MINUTE);
    expect(alerts.open().map(({ facts }) => facts.kind)).toEqual(["tokens"]);
    see();
    await pass(8 * MINUTE);
    expect(alerts.open()).toEqual([]);
    expect(await store.listIncidents({ limit: 9 })).toMatchObject([{ rule: "tokens_blocked", settled: true, endedAt: expect.any(Number) }]);
    const titles = (await messages()).map(({ payload }) => (payload as { title: string }).title);
    expect(titles).toEqual(["flow2api: Over: 4 tokens of Gemini: key not valid", "flow2api: New: 4 tokens of Gemini: key not valid"]);
  });
});

describe("a message", () => {
  test("that meets HTTP 500 is sent again after growing pauses, with the same id", async () => {
    const { see, pass, far, until, messages } = await world({ kinds: ["webhook"] });
    far.faults.set(
      "webhook",
      Array.from({ length: 3 }, () => ({ status: 500, text: "down" })),
    );
    see(blocked(4));
    await pass(2 * MINUTE);
    await until(async () => (await messages())[0]!.state === "sent");
    expect((await messages())[0]).toMatchObject({ state: "sent", attempts: 4 });
    expect(new Set(far.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    const times = far.received.map(({ at }) => at);
    const pauses = times.slice(1).map((at, index) => Math.floor((at - times[index]!) / SECOND));
    for (const [index, least] of [5, 30, 120].entries()) {
      expect(pauses[index]).toBeGreaterThanOrEqual(least);
      expect(pauses[index]).toBeLessThan(least + 40);
    }
  });

  test("that is refused is not sent again: the channel fails, with the far side's words, until something is sent", async () => {
    const { see, pass, far, until, alerts, messages } = await world({ kinds: ["slack"] });
    far.faults.set("slack", [{ status: 404, text: "no_service" }]);
    see(blocked(4));
    await pass(2 * MINUTE);
    await until(async () => (await messages())[0]!.state === "failed");
    await pass(5 * SECOND);
    expect(alerts.failing()).toMatchObject([{ name: "my slack", error: "404: no_service" }]);
    await pass(30 * MINUTE);
    expect(far.received).toHaveLength(1);
    expect(await alerts.sendTest("slack")).toEqual({ ok: true });
    expect(alerts.failing()).toEqual([]);
  });

  test("of a far side that is away for a day is given up, not before", () => {
    const away = { ok: false, said: "503: down", retry: true } as const;
    let message = { attempts: 0, createdAt: 0, nextAt: 0 as number | null };
    let now = 0;
    for (; message.nextAt !== null; now = message.nextAt ?? now) message = { ...message, ...changeAfter(away, message, now) };
    expect(message).toMatchObject({ state: "failed", error: "503: down" });
    expect(now).toBeGreaterThan(22 * 60 * MINUTE);
    expect(changeAfter({ ...away, afterMs: 90_000 }, { attempts: 0, createdAt: 0 }, 0).nextAt).toBe(90_000);
  });

  test("of one channel that hangs delays no other channel, and the rest of its own waits after a failed attempt", async () => {
    const { store, far, until, clock } = await world({ kinds: ["slack", "webhook"] });
    const payload = { title: "t", lines: [], urgent: false, isOver: false, url: null, at: 0, incidents: [] };
    const message = (id: string, channelId: string) => ({ id, channelId, payload, createdAt: clock.now() });
    far.faults.set(
      "slack",
      Array.from({ length: 50 }, () => "hang" as const),
    );
    const began = clock.now();
    await store.saveIncidents([], [...Array.from({ length: 6 }, (_, index) => message(`s${index}`, "slack")), message("w0", "webhook")]);
    const arrived = (kind: string) => far.received.filter((one) => one.kind === kind);
    await until(() => arrived("webhook").length === 1);
    await store.saveIncidents([], [message("w1", "webhook")]);
    await until(() => arrived("webhook").length === 2);
    // An outbox that has nothing to do looks every 30 s.
    expect(clock.now() - began).toBeLessThan(65 * SECOND);
    const slack = arrived("slack").length;
    expect([slack >= 1, slack <= 4]).toEqual([true, true]);
    far.faults.clear();
    await until(async () => (await store.listMessages({ limit: 9 })).every(({ state }) => state === "sent"), 2_000);
  });

  test("that waits behind a refused one of its channel is sent", async () => {
    const { store, far, until, clock } = await world({ kinds: ["slack"] });
    const payload = { title: "t", lines: [], urgent: false, isOver: false, url: null, at: 0, incidents: [] };
    far.faults.set("slack", [{ status: 400, text: "invalid_payload" }]);
    await store.saveIncidents(
      [],
      ["a", "b"].map((id) => ({ id, channelId: "slack", payload, createdAt: clock.now() })),
    );
    await until(() => far.received.length === 2);
    await until(async () => (await store.listMessages({ limit: 9 })).map(({ state }) => state).join() === "sent,failed");
  });

  test("waits while its channel has had its share of the minute", async () => {
    const { store, far, until, clock } = await world({ kinds: ["wecom"] });
    const payload = { title: "t", lines: [], urgent: false, isOver: false, url: null, at: 0, incidents: [] };
    const many = Array.from({ length: 20 }, (_, index) => ({ id: `m${index}`, channelId: "wecom", payload, createdAt: clock.now() }));
    await store.saveIncidents([], many);
    await until(() => far.received.length === 20);
    const times = far.received.map(({ at }) => at);
    // What arrives lags behind what was sent: time goes by in steps of half a second.
    expect(times[15]! - times[14]!).toBeGreaterThan(MINUTE / 2);
    expect(times.filter((at) => at < times[0]! + MINUTE / 2).length).toBeLessThanOrEqual(15);
  });
});

describe("a test message", () => {
  test.each([
    ["feishu", "19021 sign match fail or timestamp is not within one hour from current time"],
    ["dingtalk", "310000 sign not match"],
  ])("by %s shows the error inside a 200", async (kind, said) => {
    const { store, far, alerts, clock } = await world();
    const config = { ...far.config(kind), secret: "canary-other-secret" };
    await store.putChannel({ ...{ id: "x", kind, name: "x", enabled: true, rules: [], createdAt: clock.now() }, config });
    expect(await alerts.sendTest("x")).toEqual({ ok: false, said, retry: false, afterMs: undefined });
  });
});

test("the dead-man ping calls every so many minutes, and not when the rules cannot be evaluated", async () => {
  const { pass, far, until, alerts } = await world({ kinds: ["ping"] });
  await pass(3 * MINUTE + 10 * SECOND);
  await until(() => far.received.length >= 3);
  const before = far.received.length;
  (alerts as unknown as { deps: { readSignals(): Promise<never> } }).deps.readSignals = () => Promise.reject(new Error("broken"));
  await pass(3 * MINUTE);
  expect([before <= 4, far.received.length]).toEqual([true, before]);
});

test("secrets of channels are in no log line, no message, no incident and no error", async () => {
  const { see, pass, far, store, logged, until, alerts } = await world({ kinds: [...ALL, "ping"] });
  for (const kind of ALL) far.faults.set(kind, [{ status: 400, text: `bad ${Object.values(far.config(kind)).join(" ")}` }]);
  see(blocked(4));
  await pass(2 * MINUTE);
  await until(async () => (await store.listMessages({ limit: 99 })).every(({ state }) => state === "failed"));
  await pass(5 * MINUTE);
  const rows = [await store.listMessages({ limit: 99 }), await store.listIncidents({ limit: 99 }), alerts.failing(), alerts.open()];
  const text = logged.join("\n") + JSON.stringify(rows);
  expect(text).toContain("could not be sent");
  for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
});
