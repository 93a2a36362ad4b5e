// Admin sessions: when one is valid, and what ends it.
import { describe, expect, test } from "bun:test";
import { openStore } from "../../db/sqlite/store.ts";
import { FIRST_ACCOUNT } from "../../domain/account.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { ABSOLUTE_MS, createSessions, IDLE_MS, isFormToken, isSessionAlive } from "./sessions.ts";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 23);

describe("the rule", () => {
  test.each([
    ["just signed in", 0, 0, true],
    ["quiet for almost twelve hours", 11.9 * HOUR, 11.9 * HOUR, true],
    ["quiet for twelve hours", 12 * HOUR, 12 * HOUR, false],
    ["busy for almost a week", 6.9 * 24 * HOUR, 0, true],
    ["busy for a week", 7 * 24 * HOUR, 0, false],
    ["made in the future: the clock was set back", -HOUR, -HOUR, true],
  ])("%s", (_name, age, quiet, alive) => {
    expect(isSessionAlive({ createdAt: NOW - age, seenAt: NOW - quiet }, "password", NOW)).toBe(alive);
  });
});

async function rig() {
  const folder = temporaryFolder();
  const clock = virtualClock(NOW);
  const store = await openStore({ dataDir: folder.path, secretKey: new Uint8Array(32).map((_, index) => index) });
  const sessions = createSessions({ store, now: clock.now, secret: new Uint8Array(32) });
  const account = (await store.getAccount(FIRST_ACCOUNT))!;
  return {
    clock,
    store,
    sessions,
    open: () => sessions.open({ account, address: "10.0.0.1", agent: "a browser" }),
    async [Symbol.asyncDispose]() {
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

describe("sessions", () => {
  test("are found by their id, which is not what the store holds", async () => {
    await using test = await rig();
    const { id, session } = await test.open();
    expect(await test.sessions.find(id)).toEqual(session);
    expect(JSON.stringify((await test.store.listSessions()).map(({ hash, ...row }) => [Buffer.from(hash).toString(), row]))).not.toContain(
      id,
    );
    expect(await test.sessions.find("another")).toBeNull();
  });

  test("live on while they are used, and end after twelve hours of quiet", async () => {
    await using test = await rig();
    const { id } = await test.open();
    for (let hour = 0; hour < 20; hour += 10) {
      await test.clock.advance(10 * HOUR);
      expect(await test.sessions.find(id)).not.toBeNull();
    }
    await test.clock.advance(IDLE_MS);
    expect(await test.sessions.find(id)).toBeNull();
  });

  test("of an OpenID account end after eight hours, however busy: its role is asked for at each sign-in", async () => {
    await using test = await rig();
    const person = { source: "oidc", subject: "b", name: "bea", role: "admin", passwordHash: null, passwordTemporary: false } as const;
    const account = await test.store.insertAccount(person, NOW);
    const { id } = await test.sessions.open({ account, address: null, agent: "" });
    for (let hour = 0; hour < 7; hour++) {
      await test.clock.advance(HOUR);
      expect(await test.sessions.find(id)).not.toBeNull();
    }
    await test.clock.advance(HOUR);
    expect(await test.sessions.find(id)).toBeNull();
    expect((await test.sessions.list()).sessions).toEqual([]);
  });

  test("end after a week, however busy", async () => {
    await using test = await rig();
    const { id } = await test.open();
    for (let time = 0; time < ABSOLUTE_MS - 10 * HOUR; time += 10 * HOUR) {
      await test.clock.advance(10 * HOUR);
      expect(await test.sessions.find(id)).not.toBeNull();
    }
    await test.clock.advance(10 * HOUR);
    expect(await test.sessions.find(id)).toBeNull();
  });

  test("end at once when they are closed: by id, by mark, or all but one", async () => {
    await using test = await rig();
    const [one, two, three] = [await test.open(), await test.open(), await test.open()];
    await test.sessions.close(one.id);
    expect(await test.sessions.closeByMark(two.session.mark, 2)).toBeNull();
    expect(await test.sessions.closeByMark(two.session.mark)).toMatchObject({ mark: two.session.mark });
    expect(await test.sessions.closeByMark(two.session.mark)).toBeNull();
    const four = await test.open();
    expect(await test.sessions.closeAll({ except: four.id })).toBe(1);
    const alive = await Promise.all([one, two, three, four].map(async ({ id }) => (await test.sessions.find(id)) !== null));
    expect(alive).toEqual([false, false, false, true]);
    expect(await test.sessions.closeAll()).toBe(1);
    expect((await test.sessions.list()).sessions).toEqual([]);
  });

  test("those that are over leave the store at the next login", async () => {
    await using test = await rig();
    await test.open();
    await test.clock.advance(IDLE_MS + 1);
    await test.open();
    expect(await test.store.listSessions()).toHaveLength(1);
  });

  test("belong to their account: found with it as it is now, ended apart from others', and gone with it", async () => {
    await using test = await rig();
    const row = { source: "password", subject: "bea", name: "bea", role: "viewer", passwordHash: null, passwordTemporary: false } as const;
    const bea = await test.store.insertAccount(row, NOW);
    const [mine, hers] = [await test.open(), await test.sessions.open({ account: bea, address: null, agent: "" })];
    expect((await test.sessions.list({ account: bea.id })).sessions.map(({ mark }) => mark)).toEqual([hers.session.mark]);
    await test.store.updateAccount(bea.id, { role: "operator" });
    expect((await test.sessions.find(hers.id))!.account.role).toBe("operator");
    expect(await test.sessions.closeAll({ account: FIRST_ACCOUNT })).toBe(1);
    expect([await test.sessions.find(mine.id), (await test.sessions.find(hers.id))?.account.name]).toEqual([null, "bea"]);
    await test.store.deleteAccount(bea.id);
    expect(await test.sessions.find(hers.id)).toBeNull();
  });

  test("have each a form token of their own", async () => {
    await using test = await rig();
    const [one, two] = [(await test.open()).session, (await test.open()).session];
    expect(isFormToken(one, one.formToken)).toBe(true);
    expect([isFormToken(one, two.formToken), isFormToken(one, ""), isFormToken(one, null)]).toEqual([false, false, false]);
  });
});
