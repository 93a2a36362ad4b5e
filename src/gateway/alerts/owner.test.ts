// Alerts of two nodes on one store: one of them evaluates the rules and sends, and the other goes on when that one is gone.
import { afterEach, describe, expect, test } from "bun:test";
import { SECRETS, startStandIns } from "../../../test/alert-stand-ins.ts";
import { alertWords as en } from "../../../views/locales/en/alert-words.ts";
import { alertWords as zh } from "../../../views/locales/zh/alert-words.ts";
import { loadConfig } from "../../config/config.ts";
import { openStore } from "../../db/sqlite/store.ts";
import { silentLog } from "../../log.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { createGuardedSend, type GuardedSend } from "../media/ssrf-guard.ts";
import { ownNodeNeeds, readNodeNeeds } from "../reports/node-needs.ts";
import { readNeeds } from "../reports/read-needs.ts";
import { needWorld } from "../reports/testing.ts";
import { Alerts } from "./alerts.ts";
import type { Signal } from "./facts.ts";
import { formatOf } from "./format.ts";
import { figuresOfOthers } from "./node-figures.ts";
import { createSignalReader, type SignalDependencies } from "./read-signals.ts";
import { isExplained } from "./rules.ts";
import { signalsOf } from "./signals.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const SECOND = 1000;
const blocked: Signal = {
  ...{ rule: "tokens_blocked", subject: "tokens:gemini:key_invalid", level: 0, urgent: false },
  facts: { kind: "tokens", provider: "gemini", reason: "key_invalid", count: 4, names: ["birch-2"], families: [] },
};
const signIn: Signal = {
  ...{ rule: "sign_in", subject: "admin x", level: 1, urgent: false },
  facts: { kind: "signIn", address: "203.0.113.9", actor: "admin" },
};

/** Two nodes, the first of which owns alerts. */
async function world() {
  const clock = virtualClock();
  const folder = temporaryFolder();
  const store = await openStore({ dataDir: folder.path, secretKey: new Uint8Array(32) });
  const far = startStandIns(clock.now);
  const { settings } = loadConfig({ file: null, env: {}, flags: {} });
  const seen: Signal[] = [];
  const state = { owner: 0 };
  // Time is virtual and the network is not: it goes on when what was sent has arrived and was answered, but for what hangs.
  const calls = { begun: 0, ended: 0 };
  const send = createGuardedSend({ allowPrivateHosts: ["127.0.0.1"] });
  const guardedSend: GuardedSend = (request) => {
    calls.begun++;
    return send(request).finally(() => calls.ended++);
  };
  const isQuiet = () => {
    const hanging = far.received.filter(({ problem }) => problem === "fault").length;
    return calls.begun === far.received.length && calls.ended >= calls.begun - hanging;
  };
  const nodes = [0, 1].map(
    (index) =>
      new Alerts({
        ...{ store, clock, texts: { en, zh }, settings: () => settings, log: silentLog },
        guardedSend,
        readSignals: async () => seen,
        isOwner: () => state.owner === index,
      }),
  );
  for (const kind of ["webhook", "ping"])
    await store.putChannel({ id: kind, kind, name: kind, enabled: true, rules: [], createdAt: clock.now(), config: far.config(kind) });
  for (const node of nodes) await node.start();
  closing.push(async () => {
    for (const node of nodes) await node.stop();
    await store.close();
    await far[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });
  const arrived = (kind: string) => far.received.filter((one) => one.kind === kind);
  const [a, b] = nodes as [Alerts, Alerts];
  return {
    ...{ a, b, store, far, clock, state, seen, arrived },
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 5 * SECOND) {
        await clock.advance(5 * SECOND);
        for (const node of nodes) await node.look();
        await Bun.sleep(2);
        while (!isQuiet()) await Bun.sleep(2);
      }
    },
  };
}

describe("of two nodes", () => {
  test("one sends each message and each ping; both show what lasts", async () => {
    const { a, b, seen, pass, arrived } = await world();
    seen.push(blocked);
    await pass(180 * SECOND);
    expect(arrived("webhook").length).toBe(1);
    expect([a.open(), b.open()].map((open) => open.map(({ rule }) => rule))).toEqual([["tokens_blocked"], ["tokens_blocked"]]);
    expect(arrived("ping").length).toBeLessThanOrEqual(4);
    seen.pop();
    await pass(480 * SECOND);
    expect(arrived("webhook").length).toBe(2);
    expect([a.open(), b.open()]).toEqual([[], []]);
  });

  test("what happened on the other one is sent by the owner", async () => {
    const { b, pass, arrived } = await world();
    await b.note(signIn);
    await pass(90 * SECOND);
    expect(arrived("webhook").map(({ body }) => (body as { incidents: { rule: string }[] }).incidents[0]!.rule)).toEqual(["sign_in"]);
  });

  test("the other one goes on when the owner is gone: with its incidents, its outbox, and not with what was sent", async () => {
    const { a, b, far, state, store, seen, pass, arrived, clock } = await world();
    seen.push(blocked);
    await pass(120 * SECOND);
    expect(arrived("webhook").length).toBe(1);
    far.faults.set("webhook", ["hang"]);
    const payload = { title: "t", lines: [], urgent: false, isOver: false, url: null, at: 0, incidents: [] };
    await store.saveIncidents([], [{ id: "msg_left", channelId: "webhook", payload, createdAt: clock.now() }]);
    for (let tries = 0; arrived("webhook").length < 2 && tries < 100; tries++) await pass(5 * SECOND);
    await a.stop();
    state.owner = 1;
    await pass(120 * SECOND);
    const ids = arrived("webhook").map(({ headers }) => headers["webhook-id"]);
    expect(ids.slice(1)).toEqual(["msg_left", "msg_left"]);
    expect(b.open().map(({ rule }) => rule)).toEqual(["tokens_blocked"]);
    seen.pop();
    await pass(480 * SECOND);
    expect(arrived("webhook").length).toBe(4);
    expect(arrived("webhook").at(-1)!.raw).toContain("Over");
    expect(JSON.stringify(await store.listMessages({ limit: 9 }))).not.toContain(SECRETS.path);
  });
});

test("what only another node sees is a signal of its own, with the name of that node, and suppresses nothing", async () => {
  const { settings } = loadConfig({ file: null, env: {}, flags: {} });
  const reported = ownNodeNeeds({
    pool: { gauges: () => ({ networkDegradedSince: 7 }) as never },
    limits: { degradedSince: () => null },
    models: { problems: { file: "models.toml: line 3", admin: null } },
    linkWatch: { hosts: () => ({ unreached: ["flow2api:8000"], reached: [] }) },
  });
  const row = { state: "serving", version: "1", startedAt: 0, beatAt: 0, url: "http://10.0.0.7:8000/" } as const;
  const gauges = JSON.parse(JSON.stringify({ freeBytes: 1e12, total: 0, failed: 0, mostly: "", needs: reported }));
  const store = {
    listNodes: async () => [
      { ...row, id: 1, gauges },
      { ...row, id: 7, gauges },
      { ...row, id: 8, state: "dead" as const, gauges },
      { ...row, id: 9, url: null, gauges: { freeBytes: 1e12, total: 0, failed: 0, mostly: "" } },
    ],
  };
  const others = await figuresOfOthers(store, 1);
  expect(others.map(({ name }) => name)).toEqual(["7 (10.0.0.7:8000)", "9"]);
  const needs = await readNeeds({ ...needWorld(), nodeFigures: async () => others });
  const figures = { ...{ providers: [], keys: [], caps: [], imagesLeft: null, failures: null, freeBytes: 1e15 }, retirements: [] };
  const backup = { madeAt: 0, error: null, since: 0 };
  const signals = signalsOf({ ...figures, needs, backup, failingChannels: [] }, settings.alerts, 0);
  const node = "7 (10.0.0.7:8000)";
  expect(signals.map(({ rule, urgent, facts }) => ({ rule, urgent, facts }))).toEqual([
    { rule: "server", urgent: true, facts: { kind: "node", node, what: "network", problem: "" } },
    { rule: "other", urgent: false, facts: { kind: "node", node, what: "models", problem: "models.toml: line 3" } },
    { rule: "other", urgent: false, facts: { kind: "other", need: "linksUnreached", detail: "flow2api:8000" } },
  ]);
  expect(isExplained("pool_empty", ["node"])).toBe(false);
  const format = formatOf("en", "UTC");
  expect(en.headline(signals[0]!.facts, format)).toBe(`Node ${node} reaches no upstream: its network seems to be down`);
  expect(zh.headline(signals[0]!.facts, format)).toContain(node);
  expect(en.detail(signals[1]!.facts, format)).toBe("models.toml: line 3");
});

test("failures of all nodes and the smallest disk of any are what the rules see", async () => {
  const { settings } = loadConfig({ file: null, env: {}, flags: {} });
  const read = createSignalReader({
    ...{
      settings: () => settings,
      now: () => Date.UTC(2026, 10, 23),
      pool: {
        readCapUses: async () => [],
        hasCaps: () => true,
        readCapacity: async () => ({ kinds: { image: { tokens: 0, left: null } } }),
        canServe: () => true,
      },
    },
    ...{ keys: { rows: () => [] }, limits: {}, backup: () => ({ madeAt: Date.UTC(2026, 10, 23), since: 0 }) },
    readNeedFacts: async () =>
      ({
        freeBytes: 0,
        leastFreeBytes: 0,
        held: { providers: [], held: [] },
        retirements: [],
        failingChannels: [],
        failedBackup: null,
        restored: null,
        unknownJobs: { count: 0, usd: 0 },
        modelProblems: [],
        keys: 1,
        others: [],
      }) as never,
    media: { freeBytes: () => 900_000_000_000 },
    models: { current: () => ({ families: () => [] }) },
    outcomes: { sums: () => ({ total: 5, failed: 0, mostly: "ok" }) },
    others: async () => [{ freeBytes: 1_000_000, total: 15, failed: 15, mostly: "upstream_unavailable", needs: readNodeNeeds(null) }],
  } as unknown as SignalDependencies);
  const signals = await read();
  expect(signals.find(({ rule }) => rule === "errors")?.facts).toMatchObject({
    percent: 75,
    failed: 15,
    total: 20,
    outcome: "upstream_unavailable",
  });
  expect(signals.find(({ rule }) => rule === "disk")?.facts).toMatchObject({ freeBytes: 1_000_000 });
});
