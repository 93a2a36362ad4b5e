// The executable on Postgres: command line, images and videos, a crash, a server that is gone, wrong addresses and keys.
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Cluster, databaseOf, hasPostgres, storedRows } from "../src/db/postgres/testing.ts";
import { temporaryFolder } from "../src/testing.ts";
import { type Program, runExecutable, startProgram } from "./executable.ts";

const SECRET_KEY = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64");

const environment = (url: string) => ({ FLOW2API_STORAGE_DATABASE_URL: url, FLOW2API_SECRET_KEY: SECRET_KEY });

const call = (program: Program, path: string, body?: object) =>
  fetch(`${program.url}${path}`, {
    headers: { authorization: `Bearer ${program.key}`, "content-type": "application/json" },
    ...(body && { method: "POST", body: JSON.stringify(body) }),
  });

const chat = (program: Program) =>
  call(program, "/v1/chat/completions", { model: "gemini-3.1-flash-image", messages: [{ role: "user", content: "a fox" }] });

/** Path of the image in a chat response. */
async function imageOf(response: Response): Promise<string> {
  expect(response.status).toBe(200);
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
  return new URL(/https?:\/\/[^)\s"]+/.exec(choices[0]!.message.content)![0]).pathname;
}

async function ended(program: Program, id: string): Promise<{ status: string }> {
  for (;;) {
    const video = (await (await call(program, `/v1/videos/${id}`)).json()) as { status: string };
    if (!["queued", "in_progress"].includes(video.status)) return video;
    await Bun.sleep(100);
  }
}

/** What `/ready` knows of the store is a few seconds old. */
async function untilReady(program: Program, expected: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  let status = 0;
  for (; status !== expected && Date.now() < deadline; await Bun.sleep(100)) ({ status } = await fetch(`${program.url}/ready`));
  expect(status).toBe(expected);
}

describe.skipIf(!hasPostgres)("the executable on Postgres", () => {
  test("holds everything there: images, videos, keys and the log outlive a killed server and its folder's databases", async () => {
    using folder = temporaryFolder();
    const url = await databaseOf(folder.path);
    await using program = await startProgram({ env: environment(url) });
    const image = await imageOf(await chat(program));
    const video = (await (await call(program, "/v1/videos", { model: "veo-3.1-generate-preview", prompt: "a fox runs" })).json()) as {
      id: string;
    };
    expect((await ended(program, video.id)).status).toBe("completed");
    await program.terminate("SIGKILL");
    expect(
      readdirSync(join(program.folder, "data")).filter((name) => name.startsWith("flow2api.db") || name.startsWith("requests.db")),
    ).toEqual([]);
    expect(existsSync(join(program.folder, "data", "secret.key"))).toBe(false);

    await program.serve();
    const stored = await fetch(program.url + image);
    expect([stored.status, stored.headers.get("content-type")]).toEqual([200, expect.stringMatching(/^image\//)]);
    expect((await (await call(program, `/v1/videos/${video.id}`)).json()) as object).toMatchObject({ status: "completed" });
    expect((await call(program, `/v1/videos/${video.id}/content`)).status).toBe(200);
    await imageOf(await chat(program));
    const { stdout } = await program.cli("token", "list");
    for (const hint of ["gemini", "flow"]) expect(stdout).toContain(hint);
    expect(await program.terminate()).toBe(0);
    const rows = await storedRows(folder.path);
    expect(rows.includes("/v1/chat/completions")).toBe(true);
    for (const secret of ["alpha-project.key-one", "beta-project.key-two", program.key]) expect(rows.includes(secret)).toBe(false);
    expect(program.logged().includes(url)).toBe(false);
  }, 120_000);

  test("refuses another secret key, and none at all, naming what is expected", async () => {
    using folder = temporaryFolder();
    const env = { PATH: process.env.PATH ?? "", ...environment(await databaseOf(folder.path)) };
    const added = await runExecutable(["key", "create", "--name", "mine"], { cwd: folder.path, env });
    expect(added.code).toBe(0);
    const other = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64");
    const wrong = await runExecutable(["serve", "--port", "0"], { cwd: folder.path, env: { ...env, FLOW2API_SECRET_KEY: other } });
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      expect.stringContaining("FLOW2API_SECRET_KEY: expected the secret key that this database was made with"),
    ]);
    const { FLOW2API_SECRET_KEY: _, ...without } = env;
    const none = await runExecutable(["serve", "--port", "0"], { cwd: folder.path, env: without });
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("FLOW2API_SECRET_KEY: expected the secret key that all servers")]);
    expect(none.stderr).not.toContain(other);
  }, 60_000);

  test.each([
    [
      "a server that is not there",
      "postgres://me:hidden-password@127.0.0.1:1/f2a",
      "FLOW2API_STORAGE_DATABASE_URL: storage.database_url: expected a Postgres server at 127.0.0.1:1 with the database f2a, open to me, got: ",
    ],
    [
      "an address of something else",
      "mysql://me:hidden-password@127.0.0.1/f2a",
      "storage.database_url: expected empty, or an address like postgres://host/database, got a hidden value",
    ],
  ])(
    "names %s, and never its password",
    async (_, url, expected) => {
      using folder = temporaryFolder();
      const env = { PATH: process.env.PATH ?? "", ...environment(url) };
      const { code, stderr } = await runExecutable(["serve", "--port", "0"], { cwd: folder.path, env });
      expect(code).toBe(1);
      expect(stderr).toContain(expected);
      expect(stderr).not.toContain("hidden-password");
    },
    60_000,
  );

  test.each([
    [["backup", "b.tar"], "cannot reach its database"],
    [["restore", "b.tar"], "expected a backup, got no such file"],
    [["rotate-secret"], "FLOW2API_SECOND_SECRET_KEY: expected"],
  ])("%j says what is in its way where the database is not there", async (verb, expected) => {
    using folder = temporaryFolder();
    const env = { PATH: process.env.PATH ?? "", ...environment("postgres://me:hidden-password@127.0.0.1:1/f2a") };
    const { code, stderr } = await runExecutable(verb, { cwd: folder.path, env });
    expect([code, stderr]).toEqual([1, expect.stringContaining(expected)]);
    expect(stderr).not.toContain("hidden-password");
  });

  test("starts nothing while the database is gone, is not ready, and goes on when it is back", async () => {
    const cluster = await Cluster.start();
    await cluster.execute("CREATE DATABASE f2a");
    await using program = await startProgram({ env: environment(cluster.url("f2a")) });
    const before = await imageOf(await chat(program));
    expect((await fetch(`${program.url}/ready`)).status).toBe(200);
    const asked = program.simulator.calls().length;
    await cluster.kill();
    const refused = await chat(program);
    expect(refused.status).toBe(503);
    expect((await refused.json()) as object).toMatchObject({ error: { code: "ledger_unavailable" } });
    await untilReady(program, 503);
    expect(program.simulator.calls()).toHaveLength(asked);
    expect((await call(program, "/v1/models")).status).toBe(200);
    await cluster.restart();
    await untilReady(program, 200);
    await imageOf(await chat(program));
    expect((await fetch(program.url + before)).status).toBe(200);
    await program.terminate();
    cluster.stop();
  }, 120_000);
});
