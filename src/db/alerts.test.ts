// Store contract: alert channels, incidents, and the outbox of messages.
import { describe, expect, test } from "bun:test";
import { temporaryFolder } from "../testing.ts";
import type { IncidentRow, NewChannel, NewMessage } from "./alerts.ts";
import { ENGINES, type Engine } from "./testing.ts";

const NOW = Date.UTC(2026, 10, 30);

async function openRig(open: Engine["open"]) {
  const folder = temporaryFolder();
  const store = await open(folder.path);
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

const channel = (id: string, change: Partial<NewChannel> = {}): NewChannel => ({
  ...{ id, kind: "telegram", name: `channel ${id}`, enabled: true, rules: [], createdAt: NOW },
  config: { token: "123:secret", chat: "-100" },
  ...change,
});
const incident = (id: string, change: Partial<IncidentRow> = {}): IncidentRow => ({
  ...{ id, rule: "token_blocked", subject: id, beganAt: NOW, endedAt: null, settled: false, state: { count: 1 } },
  ...change,
});
const message = (id: string, change: Partial<NewMessage> = {}): NewMessage => ({
  ...{ id, channelId: "one", payload: { title: id }, createdAt: NOW },
  ...change,
});
const UNTRIED = { okAt: null, failedAt: null, error: null };
const WAITING = { state: "waiting" as const, attempts: 0, endedAt: null, error: null };

describe.each(ENGINES)("channels over $name", ({ open }) => {
  test("are found as they were stored, oldest first; replacing one leaves its place and state", async () => {
    await using rig = await openRig(open);
    await rig.store.putChannel(channel("one"));
    await rig.store.putChannel(channel("two", { rules: ["pool_empty"], enabled: false }));
    await rig.store.updateChannelState("one", { failedAt: NOW + 1, error: "401 Unauthorized" });
    await rig.store.updateChannelState("one", { okAt: NOW + 2 });
    await rig.store.updateChannelState("gone", { okAt: NOW });
    const changed = channel("one", { name: "ops", config: { token: "other" } });
    await rig.store.putChannel(changed);
    expect(await rig.store.listChannels()).toEqual([
      { ...changed, okAt: NOW + 2, failedAt: NOW + 1, error: "401 Unauthorized" },
      { ...channel("two", { rules: ["pool_empty"], enabled: false }), ...UNTRIED },
    ]);
    await rig.store.updateChannelState("one", { failedAt: null, error: null });
    expect((await rig.store.listChannels())[0]).toMatchObject({ okAt: NOW + 2, failedAt: null, error: null });
  });

  test("take their messages along when they are deleted", async () => {
    await using rig = await openRig(open);
    await rig.store.putChannel(channel("one"));
    await rig.store.putChannel(channel("two"));
    await rig.store.saveIncidents([], [message("a"), message("b", { channelId: "two" })]);
    await rig.store.deleteChannel("one");
    expect((await rig.store.listChannels()).map(({ id }) => id)).toEqual(["two"]);
    expect((await rig.store.listMessages({ limit: 9 })).map(({ id }) => id)).toEqual(["b"]);
  });
});

describe.each(ENGINES)("incidents over $name", ({ open }) => {
  test("are replaced by id, listed newest first and in pages, and unsettled ones oldest first", async () => {
    await using rig = await openRig(open);
    await rig.store.saveIncidents([incident("a"), incident("b", { beganAt: NOW + 5 }), incident("c", { beganAt: NOW + 9 })], []);
    const ended = incident("a", { endedAt: NOW + 7, settled: true, state: { count: 3, names: ["x"] } });
    await rig.store.saveIncidents([ended], []);
    const ids = (rows: IncidentRow[]) => rows.map(({ id }) => id);
    expect(ids(await rig.store.listIncidents({ limit: 9 }))).toEqual(["c", "b", "a"]);
    expect((await rig.store.listIncidents({ limit: 1, before: "b" }))[0]).toEqual(ended);
    expect(ids(await rig.store.listIncidents({ limit: 9, since: NOW + 5 }))).toEqual(["c", "b"]);
    expect(await rig.store.listIncidents({ limit: 9, before: "gone" })).toEqual([]);
    expect(ids(await rig.store.listUnsettledIncidents())).toEqual(["b", "c"]);
  });

  test("of one rule and subject have one that has no end, and a refused one leaves nothing behind", async () => {
    await using rig = await openRig(open);
    await rig.store.putChannel(channel("one"));
    await rig.store.saveIncidents([incident("a", { subject: "s" })], []);
    const second = rig.store.saveIncidents([incident("z"), incident("b", { subject: "s" })], [message("m")]);
    expect(await second.catch((error) => error.kind)).toBe("conflict");
    expect((await rig.store.listIncidents({ limit: 9 })).map(({ id }) => id)).toEqual(["a"]);
    expect(await rig.store.listMessages({ limit: 9 })).toEqual([]);
    await rig.store.saveIncidents([incident("a", { subject: "s", endedAt: NOW + 1 }), incident("b", { subject: "s" })], []);
    expect((await rig.store.listUnsettledIncidents()).map(({ id }) => id)).toEqual(["a", "b"]);
  });
});

describe.each(ENGINES)("the outbox over $name", ({ open }) => {
  test("hands out what is due, earliest first, once until the time that the taker names", async () => {
    await using rig = await openRig(open);
    await rig.store.putChannel(channel("one"));
    expect(await rig.store.nextMessageAt()).toBeNull();
    await rig.store.saveIncidents(
      [incident("i")],
      [message("b", { createdAt: NOW + 2 }), message("a"), message("later", { createdAt: NOW + 99 })],
    );
    await rig.store.saveIncidents([], [message("stray", { channelId: "gone" })]);
    expect(await rig.store.nextMessageAt()).toBe(NOW);
    const [taken] = await rig.store.claimMessages({ now: NOW + 2, limit: 1, until: NOW + 50 });
    expect(taken).toEqual({ ...message("a"), ...WAITING, nextAt: NOW + 50 });
    expect((await rig.store.claimMessages({ now: NOW + 2, limit: 9, until: NOW + 50 })).map(({ id }) => id)).toEqual(["b"]);
    expect(await rig.store.claimMessages({ now: NOW + 49, limit: 9, until: NOW + 60 })).toEqual([]);
    expect((await rig.store.claimMessages({ now: NOW + 50, limit: 9, until: NOW + 60 })).map(({ id }) => id)).toEqual(["b", "a"]);
  });

  test("hands out nothing of channels that the taker leaves out", async () => {
    await using rig = await openRig(open);
    for (const id of ["one", "two"]) await rig.store.putChannel(channel(id));
    await rig.store.saveIncidents([], [message("a"), message("b", { channelId: "two", createdAt: NOW + 5 })]);
    expect([await rig.store.nextMessageAt(["one"]), await rig.store.nextMessageAt(["one", "two"])]).toEqual([NOW + 5, null]);
    expect((await rig.store.claimMessages({ now: NOW + 9, limit: 9, until: NOW + 50, except: ["one"] })).map(({ id }) => id)).toEqual([
      "b",
    ]);
    expect((await rig.store.claimMessages({ now: NOW + 9, limit: 9, until: NOW + 50 })).map(({ id }) => id)).toEqual(["a"]);
  });

  test("shows what became of each, newest first and of one channel", async () => {
    await using rig = await openRig(open);
    await rig.store.putChannel(channel("one"));
    await rig.store.putChannel(channel("two"));
    await rig.store.saveIncidents([], [message("a"), message("b", { channelId: "two" }), message("c")]);
    const failed = { state: "failed" as const, attempts: 2, nextAt: null, endedAt: NOW + 3, error: "404 not found" };
    await rig.store.updateMessage("a", failed);
    await rig.store.updateMessage("gone", failed);
    expect(await rig.store.listMessages({ limit: 9, channelId: "one" })).toEqual([
      { ...message("c"), ...WAITING, nextAt: NOW },
      { ...message("a"), ...failed },
    ]);
    expect((await rig.store.listMessages({ limit: 2 })).map(({ id }) => id)).toEqual(["c", "b"]);
    expect((await rig.store.claimMessages({ now: NOW + 9, limit: 9, until: NOW + 50 })).map(({ id }) => id)).toEqual(["b", "c"]);
  });

  test("forgets what has ended long ago, and nothing else", async () => {
    await using rig = await openRig(open);
    await rig.store.putChannel(channel("one"));
    await rig.store.saveIncidents(
      [incident("old", { endedAt: NOW, settled: true }), incident("unsent", { endedAt: NOW }), incident("open")],
      [message("old"), message("waiting")],
    );
    await rig.store.updateMessage("old", { state: "sent", attempts: 1, nextAt: null, endedAt: NOW, error: null });
    expect(await rig.store.deleteAlertsBefore(NOW, 9)).toBe(0);
    expect(await rig.store.deleteAlertsBefore(NOW + 1, 9)).toBe(2);
    expect((await rig.store.listIncidents({ limit: 9 })).map(({ id }) => id)).toEqual(["open", "unsent"]);
    expect((await rig.store.listMessages({ limit: 9 })).map(({ id }) => id)).toEqual(["waiting"]);
  });
});
