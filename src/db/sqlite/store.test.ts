// SQLite store beyond the contract: file modes, sealed bytes, key check, locks, SQL injection.
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Media } from "../../domain/generation.ts";
import { temporaryFolder } from "../../testing.ts";
import { isBusy, openDatabase, retryBusy } from "./database.ts";
import { acquireFolder, isFolderOwned } from "./lock.ts";
import { openStore } from "./store.ts";

const SECRET_KEY = new Uint8Array(32).map((_, index) => index * 5);
const MEDIA: Media = {
  id: "m1",
  kind: "image",
  origin: "result",
  mime: "image/png",
  ext: "png",
  bytes: 1,
  width: null,
  height: null,
  keyId: null,
  createdAt: 0,
  expiresAt: null,
  requestId: null,
  name: null,
  purpose: null,
  family: null,
};

/** Runs `code` in another process and resolves once it says `ready`; it ends when its stdin does. */
async function otherProcess(code: string, ...args: string[]): Promise<{ end(): Promise<number> }> {
  const child = Bun.spawn([process.execPath, "-e", code, ...args], {
    cwd: import.meta.dir,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const said = await child.stdout.getReader().read();
  expect(Buffer.from(said.value ?? []).toString()).toContain("ready");
  return {
    end() {
      child.stdin.end();
      return child.exited;
    },
  };
}

describe("files", () => {
  test("belong to their owner only", async () => {
    using folder = temporaryFolder();
    const dataDir = join(folder.path, "data");
    const store = await openStore({ dataDir, secretKey: SECRET_KEY });
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    const names = readdirSync(dataDir).sort();
    expect(names).toEqual(["flow2api.db", "flow2api.db-shm", "flow2api.db-wal"]);
    for (const name of names) expect(statSync(join(dataDir, name)).mode & 0o777).toBe(0o600);
    await store.close();
    expect(readdirSync(dataDir)).toEqual(["flow2api.db"]);
  });

  test("hold no secret in clear: token, rotated token, state, proxy, setting", async () => {
    using folder = temporaryFolder();
    const canary = "canary-4f81c2";
    const store = await openStore({ dataDir: folder.path, secretKey: SECRET_KEY });
    const { id } = await store.insertToken(
      { provider: "flow", label: "visible-label", secret: `${canary}-token`, proxy: `http://u:${canary}@p:1` },
      0,
    );
    await store.writeTokenSecret(id, { secret: `${canary}-rotated`, state: { access: `${canary}-state` } });
    await store.updateToken(id, { proxy: `http://u:${canary}-2@p:1` });
    await store.writeSettings({ "plugin.connection_token": `${canary}-setting` });
    const inFiles = (text: string) => readdirSync(folder.path).some((name) => readFileSync(join(folder.path, name)).includes(text));
    expect(inFiles("visible-label")).toBe(true);
    expect(inFiles(canary)).toBe(false);
    await store.close();
    expect(inFiles("visible-label")).toBe(true);
    expect(inFiles(canary)).toBe(false);
  });

  test("made with another key are refused and left as they are", async () => {
    using folder = temporaryFolder();
    const store = await openStore({ dataDir: folder.path, secretKey: SECRET_KEY });
    await store.insertToken({ provider: "flow", label: "a", secret: "session-0123456789" }, 0);
    await store.close();
    expect(openStore({ dataDir: folder.path, secretKey: SECRET_KEY.with(0, 1) })).rejects.toThrow("The secret key is not the one");
    const again = await openStore({ dataDir: folder.path, secretKey: SECRET_KEY });
    expect((await again.readTokenSecret(1)).secret).toBe("session-0123456789");
    await again.close();
  });

  test("that are no database are named", async () => {
    using folder = temporaryFolder();
    await Bun.write(join(folder.path, "flow2api.db"), "this is a text file, ".repeat(100));
    expect(openStore({ dataDir: folder.path, secretKey: SECRET_KEY })).rejects.toThrow(/flow2api\.db cannot be opened/);
  });
});

describe("the folder's lock", () => {
  test("has one owner, within a process too, and can be taken again", () => {
    using folder = temporaryFolder();
    expect(isFolderOwned(folder.path)).toBe(false);
    const owner = acquireFolder(folder.path);
    expect(isFolderOwned(folder.path)).toBe(true);
    expect(() => acquireFolder(folder.path)).toThrow("is in use by another flow2api");
    owner[Symbol.dispose]();
    expect(isFolderOwned(folder.path)).toBe(false);
    acquireFolder(folder.path)[Symbol.dispose]();
  });

  test("is held against other processes and goes with its owner's process, however that ends", async () => {
    using folder = temporaryFolder();
    const code = `
      const { acquireFolder } = await import("./lock.ts");
      acquireFolder(process.argv.at(-1));
      console.log("ready");
      for await (const _ of Bun.stdin.stream()) {}
      process.kill(process.pid, "SIGKILL");`;
    const other = await otherProcess(code, folder.path);
    expect(isFolderOwned(folder.path)).toBe(true);
    expect(() => acquireFolder(folder.path)).toThrow("is in use by another flow2api");
    await other.end();
    expect(isFolderOwned(folder.path)).toBe(false);
    using _ = acquireFolder(folder.path);
  });
});

describe("another process", () => {
  test("that holds the write lock delays a write without stopping the event loop, and never a read", async () => {
    using folder = temporaryFolder();
    const store = await openStore({ dataDir: folder.path, secretKey: SECRET_KEY });
    const code = `
      const { Database } = await import("bun:sqlite");
      const db = new Database(process.argv.at(-1));
      db.run("BEGIN IMMEDIATE");
      console.log("ready");
      for await (const _ of Bun.stdin.stream()) {}
      db.run("COMMIT");`;
    const other = await otherProcess(code, join(folder.path, "flow2api.db"));
    let written = false;
    const writes = ["one", "two", "three"].map((value) =>
      store.writeFact("order", value).then(() => {
        written = true;
      }),
    );
    for (let turn = 0; turn < 5; turn++) await Bun.sleep(5);
    expect(await store.readFact("order")).toBeNull();
    expect(written).toBe(false);
    await other.end();
    await Promise.all(writes);
    expect(await store.readFact("order")).toBe("three");
    await store.close();
  });

  test("that never lets go makes the act fail in the end", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "some.db");
    using holder = await openDatabase(file);
    using waiter = await openDatabase(file);
    holder.run("BEGIN IMMEDIATE");
    const error = await retryBusy(() => waiter.run("BEGIN IMMEDIATE"), 10).catch((reason) => reason);
    expect(isBusy(error)).toBe(true);
    holder.run("ROLLBACK");
  });

  test("sees what was written as soon as the promise resolves", async () => {
    using folder = temporaryFolder();
    const store = await openStore({ dataDir: folder.path, secretKey: SECRET_KEY });
    using other = new Database(join(folder.path, "flow2api.db"));
    const count = () => other.query<{ n: number }, []>("SELECT count(*) AS n FROM media").get()?.n;
    const inserted = store.insertMedia(MEDIA);
    expect(count()).toBe(0);
    await inserted;
    expect(count()).toBe(1);
    await store.close();
  });
});

describe("SQL", () => {
  /** What is run as it comes: both are constants of this program. */
  const NOT_LITERAL = { "database.ts": "pragma", "migrate.ts": "step" } as Record<string, string>;
  const STATEMENT = /\bdb\??\s*\.(?:query|prepare|exec|run)(?:<[\s\S]*?>)?\(\s*("[^"]*"|`[^`]*`|\w+)/g;

  test("is never put together from input: what it inserts are constants of the same file", async () => {
    let statements = 0;
    for await (const name of new Bun.Glob("*.ts").scan(import.meta.dir)) {
      if (name.endsWith(".test.ts")) continue;
      const source = await Bun.file(join(import.meta.dir, name)).text();
      for (const [, sql = ""] of source.matchAll(STATEMENT)) {
        statements++;
        if (sql !== NOT_LITERAL[name]) expect({ name, sql }).toEqual({ name, sql: expect.stringMatching(/^["`]/) });
        for (const [, inserted = ""] of sql.matchAll(/\$\{([^}]*)\}/g)) {
          const constant = new RegExp(`^const ${inserted} = (?:"[^"]*"|\`[^\`]*\`);$`, "m").exec(source)?.[0];
          expect({ name, inserted, constant }).toEqual({ name, inserted, constant: expect.not.stringContaining("${") });
        }
      }
    }
    expect(statements).toBeGreaterThan(40);
  });
});
