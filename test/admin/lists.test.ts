// Long lists over HTTP, pages and JSON: they come in pages, nothing twice and nothing left out, and many are erased at once.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";
import { type Caller, callerOf } from "./api.ts";

/** Passwords are compared slowly, by design. */
setDefaultTimeout(30_000);

const MANY = 120;
let rig: Rig;
let me: SignedIn;
let call: Caller;
beforeAll(async () => {
  rig = await startRig();
  const { store, sessions } = rig.context;
  const tokens = Array.from({ length: MANY }, (_, index) => ({
    provider: "gemini",
    label: `old ${index}`,
    secret: `old-project.key-${index}`,
  }));
  await store.insertTokens(tokens, 1);
  await store.setTokensDeleted(
    (await store.listTokens()).filter(({ label }) => label.startsWith("old")).map(({ id }) => id),
    Date.now(),
  );
  for (let index = 0; index < MANY; index++) {
    const name = `person ${index}`;
    const person = { source: "header", subject: name, name, role: "viewer", passwordHash: null, passwordTemporary: false } as const;
    const account = await store.insertAccount(person, 1);
    await sessions.open({ account, address: null, agent: name });
    await rig.context.adminTokens.issue({ name, scope: "read", expiresAt: null, accountId: account.id }, { address: null, actor: name });
  }
  me = await signIn(rig);
  call = await callerOf(rig);
});
afterAll(() => rig[Symbol.asyncDispose]());

/** Follows the pager of a page. */
async function pagesOf(path: string, row: RegExp): Promise<string[][]> {
  const pages: string[][] = [];
  for (let next: string | undefined = path; next; ) {
    const html: string = await (await me.get(next)).text();
    pages.push([...html.matchAll(row)].map(([, id]) => id!));
    next = /<a class="btn s" href="([^"]+)" rel="next"/.exec(html)?.[1]?.replaceAll("&amp;", "&");
  }
  return pages;
}

async function dataOf(path: string, limit: number): Promise<{ pages: number; rows: Record<string, unknown>[] }> {
  const rows = [];
  let pages = 0;
  for (let cursor: string | null = ""; cursor !== null; pages++) {
    const { status, body } = await call("GET", `${path}?limit=${limit}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    expect(status).toBe(200);
    expect(body.data.length).toBeLessThanOrEqual(limit);
    rows.push(...body.data);
    cursor = body.next;
  }
  return { pages, rows };
}

const distinct = (values: readonly unknown[]) => new Set(values).size;

test.each([
  ["/admin/tokens/deleted", /id="deleted-(\d+)"/g, MANY],
  ["/admin/account/people", /id="person-(\d+)"/g, MANY + 1],
  ["/admin/account", /id="session-(\w{12})"/g, MANY + 1],
])("%s shows fifty at a time", async (path, row, total) => {
  const pages = await pagesOf(path, row);
  expect(pages.map(({ length }) => length)).toEqual([50, 50, total - 100]);
  expect(distinct(pages.flat())).toBe(total);
});

test.each([
  ["/tokens/deleted", "id", MANY],
  ["/accounts", "id", MANY + 1],
  ["/sessions", "mark", MANY + 1],
  ["/admin-tokens", "id", MANY + 1],
])("%s comes in pages", async (path, id, total) => {
  const { pages, rows } = await dataOf(path, 50);
  expect([pages, rows.length, distinct(rows.map((row) => row[id]))]).toEqual([3, total, total]);
  for (const cursor of ["none", "1.", "x.1", "9".repeat(20)])
    expect(await call("GET", `${path}?cursor=${cursor}`)).toMatchObject({ status: 400, body: { error: { field: "cursor" } } });
});

test("a session far down the list is ended by its mark", async () => {
  const { rows } = await dataOf("/sessions", 200);
  const last = rows.at(-1)!;
  expect((await call("DELETE", `/sessions/${last.mark}`)).status).toBe(200);
  expect((await call("DELETE", `/sessions/${last.mark}`)).status).toBe(404);
  expect((await call("DELETE", "/sessions/none")).status).toBe(404);
  expect((await dataOf("/sessions", 200)).rows).toHaveLength(rows.length - 1);
});

test("all deleted tokens are erased at once, and those of the pool stay", async () => {
  const erased = await me.post("/admin/tokens/deleted/erase", { every: "on", confirmed: `${MANY}` });
  expect(erased.status).toBe(303);
  expect([(await dataOf("/tokens/deleted", 50)).rows, (await rig.context.store.listTokens()).length]).toEqual([[], 1]);
});
