// Secrets of many tokens replaced at once: what cannot be is left and named, what was is recorded whatever comes after it.
import { expect, test } from "bun:test";
import { openStore } from "../../db/sqlite/store.ts";
import { AppError } from "../../errors.ts";
import { silentLog } from "../../log.ts";
import { temporaryFolder } from "../../testing.ts";
import { Credentials } from "./credentials.ts";
import { TokenAdmin } from "./manage-tokens.ts";

const [NEW, OTHER] = ["project-new.secret-0001", "project-new.secret-0002"] as const;
const BY = { address: null };

async function world() {
  const folder = temporaryFolder();
  const store = await openStore({ dataDir: folder.path, secretKey: new Uint8Array(32).fill(7) });
  const ids: number[] = [];
  for (const at of [1, 2, 3])
    ids.push((await store.insertToken({ provider: "gemini", label: `${at}`, secret: `project-${at}.secret-0000` }, 0)).id);
  const rows = await store.listTokens();
  const openTempFile = () => Promise.reject(new Error("not used"));
  const tokens = new Credentials({ store, providers: new Map(), openTempFile, now: () => 0, log: silentLog });
  const seen = { recorded: [] as unknown[], checked: [] as number[] };
  const checkNow = async (id: number) => {
    seen.checked.push(id);
    return {};
  };
  type Dependencies = ConstructorParameters<typeof TokenAdmin>[0];
  const admin = new TokenAdmin({
    ...{ store, tokens, refresher: { checkNow }, now: () => 0, refresh: async () => {} },
    pool: { rows: () => rows, view: () => null, clearCooldown: () => true, load: () => {} } as unknown as Dependencies["pool"],
    audit: { record: async (entry) => void seen.recorded.push(entry), recordMany: async () => {} } as Dependencies["audit"],
    undo: { record: async () => null } as Dependencies["undo"],
    settings: () => ({}) as ReturnType<Dependencies["settings"]>,
  });
  const secretOf = async (id: number) => (await store.readTokenSecret(id)).secret;
  return {
    ...{ admin, store, ids, seen, secretOf },
    async [Symbol.asyncDispose]() {
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

test("of two tokens that are given one secret, one gets it and the other is named; the rest is replaced", async () => {
  await using w = await world();
  const [one, two, three] = w.ids as [number, number, number];
  const secrets = [
    { id: one, secret: NEW },
    { id: two, secret: NEW },
    { id: three, secret: OTHER },
  ];
  expect(await w.admin.replaceSecrets(secrets, BY)).toEqual({ replaced: 2, known: [two] });
  expect(await Promise.all(w.ids.map(w.secretOf))).toEqual([NEW, "project-2.secret-0000", OTHER]);
  expect(w.seen).toEqual({ recorded: [expect.objectContaining({ after: { tokens: [one, three] } })], checked: [one, three] });
});

test("a store that fails half-way leaves a record of what was replaced before", async () => {
  await using w = await world();
  const [one, two, three] = w.ids as [number, number, number];
  const { writeTokenSecret } = w.store;
  w.store.writeTokenSecret = (id, change) =>
    id === two ? Promise.reject(new AppError("unavailable", "Away.")) : writeTokenSecret(id, change);
  const secrets = [one, two, three].map((id) => ({ id, secret: `project-new.secret-000${id}` }));
  expect(await w.admin.replaceSecrets(secrets, BY).catch(({ kind }) => kind)).toBe("unavailable");
  expect(w.seen).toEqual({ recorded: [expect.objectContaining({ after: { tokens: [one] } })], checked: [one] });
});
