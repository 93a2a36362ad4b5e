// Postgres client: lost connections, commits that nobody answered, servers that say nothing, texts and numbers.
import { describe, expect, test } from "bun:test";
import type { Socket } from "bun";
import { AppError } from "../../errors.ts";
import { temporaryFolder } from "../../testing.ts";
import { connect, type Postgres } from "./driver.ts";
import { Cluster, databaseOf, hasPostgres, sharedCluster } from "./testing.ts";

/** A proxy in front of the cluster's socket, which can stop to answer. */
async function startProxy(folder: string) {
  type Pair = { far?: Socket; held: Buffer[] };
  const state: { onRequest: (bytes: Buffer) => "pass" | "drop reply" | "silence"; dropping: Set<unknown> } = {
    onRequest: () => "pass",
    dropping: new Set(),
  };
  const server = Bun.listen<Pair>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      async open(near) {
        near.data = { held: [] };
        const far = await Bun.connect({
          unix: `${folder}/.s.PGSQL.5432`,
          socket: {
            data: (_, bytes) => {
              if (state.dropping.has(near)) near.end();
              else near.write(bytes);
            },
            close: () => void near.end(),
          },
        });
        near.data.far = far;
        for (const bytes of near.data.held) far.write(bytes);
      },
      data(near, bytes) {
        const copy = Buffer.from(bytes);
        const fate = state.onRequest(copy);
        if (fate === "silence") return;
        if (fate === "drop reply") state.dropping.add(near);
        if (near.data.far) near.data.far.write(copy);
        else near.data.held.push(copy);
      },
      close: (near) => void near.data.far?.end(),
    },
  });
  return { state, port: server.port, stop: () => server.stop(true) };
}

describe.skipIf(!hasPostgres)("the client", () => {
  async function withClient(body: (db: Postgres, url: string) => Promise<void>): Promise<void> {
    using folder = temporaryFolder();
    const url = await databaseOf(folder.path);
    const db = connect({ url });
    await body(db, url).finally(() => db.close());
  }
  /** As {@link withClient}, through a proxy. */
  async function withProxy(
    body: (db: Postgres, proxy: Awaited<ReturnType<typeof startProxy>>, direct: Postgres) => Promise<void>,
    deadlineMs?: number,
  ): Promise<void> {
    using folder = temporaryFolder();
    const direct = connect({ url: await databaseOf(folder.path) });
    const proxy = await startProxy((await sharedCluster()).folder);
    const name = (await direct.get<{ name: string }>("SELECT current_database() AS name"))!.name;
    const db = connect({ url: `postgres://flow2api@127.0.0.1:${proxy.port}/${name}`, deadlineMs });
    try {
      await body(db, proxy, direct);
    } finally {
      await db.close();
      proxy.stop();
      await direct.close();
    }
  }

  const insert = (db: Postgres, name: string) =>
    db.transaction((sql) => sql.run("INSERT INTO facts (name, value) VALUES ($name, 'there')", { name }));
  const isStored = async (db: Postgres, name: string) => (await db.get("SELECT 1 AS one FROM facts WHERE name = $name", { name })) !== null;

  test("numbers, bytes and texts come back as they were bound", () =>
    withClient(async (db) => {
      const bound = { n: Number.MAX_SAFE_INTEGER, b: new Uint8Array([0, 255]), t: "a\0b 🦊", l: ["x\0", null, '"{},\\'] };
      const row = await db.get("SELECT $n::bigint AS n, $b::bytea AS b, $t::text AS t, $l::text[] AS l", bound);
      expect(row).toEqual({ n: Number.MAX_SAFE_INTEGER, b: new Uint8Array([0, 255]), t: "a\uFFFDb 🦊", l: ["x\uFFFD", null, '"{},\\'] });
      expect(db.get("SELECT $missing::text AS t")).rejects.toThrow("missing");
      expect(db.get("SELECT 9223372036854775807 AS n")).rejects.toThrow("too large");
    }));

  test("a commit whose answer was lost is found out about: the transaction is not reported as failed", () =>
    withProxy(async (db, { state }, direct) => {
      state.onRequest = (bytes) => (bytes.includes("COMMIT") ? "drop reply" : "pass");
      await insert(db, "committed");
      expect(await isStored(direct, "committed")).toBe(true);
    }));

  test("a connection that is lost before the commit leaves nothing, and is reported as a database that cannot be reached", () =>
    withProxy(async (db, { state }, direct) => {
      await insert(db, "warm");
      state.onRequest = (bytes) => (bytes.includes("doomed") ? "drop reply" : "pass");
      const failure = await insert(db, "doomed").catch((error) => error);
      expect(failure).toBeInstanceOf(AppError);
      expect(failure).toMatchObject({ kind: "unavailable", reason: "store_unavailable" });
      expect(await isStored(direct, "doomed")).toBe(false);
      state.onRequest = () => "pass";
      await insert(db, "after");
      expect(await isStored(direct, "after")).toBe(true);
    }));

  test("a server that says nothing any more is given up after the deadline, and asked anew", () =>
    withProxy(async (db, { state }, direct) => {
      await insert(db, "warm");
      state.onRequest = () => "silence";
      const failures = await Promise.all([insert(db, "a"), db.get("SELECT 1 AS one")].map((asked) => asked.catch((error) => error.kind)));
      expect(failures).toEqual(["unavailable", "unavailable"]);
      state.onRequest = () => "pass";
      await insert(db, "after");
      expect(await isStored(direct, "after")).toBe(true);
    }, 300));

  test("a statement that failed and was forgotten rolls the transaction back, and says so", () =>
    withClient(async (db) => {
      const forgotten = db.transaction(async (sql) => {
        await sql.run("INSERT INTO facts (name, value) VALUES ('half', 'x')");
        await sql.run("SELECT 1 / 0").catch(() => {});
      });
      expect(forgotten).rejects.toThrow("rolled back");
      await forgotten.catch(() => {});
      expect(await isStored(db, "half")).toBe(false);
    }));

  test("a script under the lock of all processes is rolled back, and says so, where a statement failed that nobody waited for", () =>
    withClient(async (db) => {
      const sent = db.exclusively(async (sql) => {
        sql.send("INSERT INTO facts (name, value) VALUES ('half', 'x')");
        sql.send("SELECT 1 / $zero::int", { zero: 0 });
      });
      expect(await sent.catch(({ errno }) => errno)).toBe("22012");
      const forgotten = db.exclusively(async (sql) => {
        await sql.run("INSERT INTO facts (name, value) VALUES ('half', 'x')");
        await sql.run("SELECT 1 / 0").catch(() => {});
      });
      expect(await forgotten.catch(({ message }) => message)).toContain("rolled back");
      expect(await isStored(db, "half")).toBe(false);
      await db.exclusively(async (sql) => sql.send("INSERT INTO facts (name, value) VALUES ('whole', 'x')"));
      expect(await isStored(db, "whole")).toBe(true);
    }));

  test("statements that are asked for together take effect in their order, each seeing those before it", () =>
    withClient(async (db) => {
      const seen = await db.transaction(async (sql) => {
        const first = sql.get("SELECT count(*) AS n FROM facts WHERE name LIKE 'together%'");
        sql.send("INSERT INTO facts (name, value) VALUES ('together 1', $value)", { value: "x" });
        const second = sql.get("SELECT count(*) AS n FROM facts WHERE name LIKE 'together%'");
        sql.send("INSERT INTO facts (name, value) SELECT 'together 2', value FROM facts WHERE name = 'together 1'");
        return Promise.all([first, second]);
      });
      expect(seen).toEqual([{ n: 0 }, { n: 1 }]);
      expect(await isStored(db, "together 2")).toBe(true);
    }));

  test.each(["the last", "in the middle, with others behind it that are waited for"])(
    "a statement that was sent and failed, %s, fails its transaction by its own reason, and leaves nothing",
    (where) =>
      withClient(async (db) => {
        const failing = db.transaction(async (sql) => {
          sql.send("INSERT INTO facts (name, value) VALUES ('half', 'x')");
          sql.send("SELECT 1 / $zero::int", { zero: 0 });
          if (where !== "the last") await sql.get("SELECT 1 AS one");
        });
        expect(await failing.catch(({ errno }) => errno)).toBe("22012");
        expect(await isStored(db, "half")).toBe(false);
        await insert(db, "after");
        expect(await isStored(db, "after")).toBe(true);
      }),
  );

  test("reads outlast a restart of the server; writes fail meanwhile and go on after it", async () => {
    const cluster = await Cluster.start();
    await cluster.execute("CREATE TABLE facts (name text PRIMARY KEY, value text NOT NULL)");
    const db = connect({ url: cluster.url("postgres") });
    await insert(db, "before");
    await cluster.kill();
    expect(insert(db, "during")).rejects.toMatchObject({ kind: "unavailable" });
    await cluster.restart();
    expect(await isStored(db, "before")).toBe(true);
    await insert(db, "after");
    expect([await isStored(db, "during"), await isStored(db, "after")]).toEqual([false, true]);
    await db.close();
    cluster.stop();
  }, 30_000);
});
