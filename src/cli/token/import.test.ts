// token import and token export on real data folders.
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { acquireFolder } from "../../db/sqlite/lock.ts";
import { loadSecretKey } from "../../db/sqlite/secrets.ts";
import { openStore } from "../../db/sqlite/store.ts";
import { temporaryFolder } from "../../testing.ts";
import { runRecorded, type World } from "../testing.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const KEY = "AIzaSyCanaryCanaryCanaryCanaryCanary01";
const SESSION = `eyJhbGciOiJkaXIiLCJlbmMi..canary.${"c".repeat(60)}.${"d".repeat(40)}`;

let folders = 0;
function fresh(world: Partial<World> = {}) {
  const data = join(folder.path, `data-${folders++}`);
  return { data, cli: (...argv: string[]) => runRecorded({ cwd: folder.path, ...world }, ...argv, "--data", data) };
}

async function tokensOf(data: string) {
  const store = await openStore({ dataDir: data, secretKey: loadSecretKey(data, {}) });
  try {
    const rows = await store.listTokens();
    return await Promise.all(rows.map(async (row) => ({ ...row, ...(await store.readTokenSecret(row.id)) })));
  } finally {
    await store.close();
  }
}

const MIXED = `${KEY}\n${SESSION}\ncanary\n${KEY}\n`;

describe("token import", () => {
  test("puts in what is new and reports every other line, without quoting it", async () => {
    const { data, cli } = fresh({ stdin: MIXED });
    const reported =
      "line 3: invalid: is neither a Gemini key (AIza…) nor a Flow session nor a service account (JSON); if it is one, name its provider beside it (a column provider)\n";
    expect(await cli("token", "import", "-", "--group", "g")).toEqual({
      code: 0,
      out: `2 new, 1 known, 1 invalid\n${reported}line 4: known: repeats line 1\n`,
      err: "",
    });
    expect(await tokensOf(data)).toMatchObject([
      { provider: "gemini", label: "gemini-1", secret: KEY, group: "g", imageConcurrency: 4, hint: "ry01" },
      { provider: "flow", label: "flow-1", secret: SESSION, group: "g", videoConcurrency: 2 },
    ]);
    expect((await cli("token", "import", "-")).out).toStartWith("0 new, 3 known, 1 invalid\nline 1: known: is in the pool already\n");
  });

  test("a dry run says the same and changes nothing", async () => {
    const { data, cli } = fresh({ stdin: MIXED });
    await cli("token", "add", "--no-check", "--provider", "gemini", "--secret", KEY);
    const { out } = await cli("token", "import", "-", "--dry-run");
    expect(out).toStartWith("1 new, 2 known, 1 invalid (dry run: nothing was changed)\n");
    expect(await tokensOf(data)).toHaveLength(1);
  });

  test("an account comes in once, whatever its session is now", async () => {
    const { data, cli } = fresh({ stdin: `me@example.com,${SESSION}\nME@example.com,${SESSION}x\n` });
    expect((await cli("token", "import", "-")).out).toBe("1 new, 1 known, 0 invalid\nline 2: known: is the account of line 1\n");
    const { out } = await runRecorded({ cwd: folder.path, stdin: `me@example.com,${SESSION}y` }, "token", "import", "-", "--data", data);
    expect(out).toBe("0 new, 1 known, 0 invalid\nline 1: known: is an account that the pool has already\n");
  });

  test("works beside the process that owns the folder, and reads what PowerShell writes", async () => {
    const { data, cli } = fresh();
    await cli("token", "list");
    using _owner = acquireFolder(data);
    await Bun.write(join(folder.path, "utf16.txt"), Buffer.from(`\uFEFF${KEY}\r\n`, "utf16le"));
    expect(await cli("token", "import", "utf16.txt")).toMatchObject({ code: 0, out: "1 new, 0 known, 0 invalid\n" });
  });

  test.each([
    ["no file", "nothing.txt", 1, "nothing.txt: expected a file, got no such file."],
    ["a folder", ".", 1, ".: expected a file, got a folder."],
  ])("%s is refused", async (_name, file, code, err) => {
    expect(await fresh().cli("token", "import", file)).toEqual({ code, out: "", err: `${err}\n` });
  });

  test("fails when no line is a token", async () => {
    expect((await fresh({ stdin: "canary" }).cli("token", "import", "-")).code).toBe(1);
    expect(await fresh({ stdin: "" }).cli("token", "import", "-")).toMatchObject({ code: 0, out: "0 new, 0 known, 0 invalid\n" });
  });

  test("takes 10,000 lines; how long that takes is printed", async () => {
    const lines = Array.from({ length: 10_000 }, (_, index) => `AIzaSy${`${index}`.padStart(33, "x")}`).join("\n");
    const { data, cli } = fresh({ stdin: lines });
    const start = performance.now();
    const { out } = await cli("token", "import", "-");
    console.log(`10,000 tokens imported in ${Math.round(performance.now() - start)} ms`);
    expect(out).toBe("10000 new, 0 known, 0 invalid\n");
    const store = await openStore({ dataDir: data, secretKey: loadSecretKey(data, {}) });
    expect((await store.listTokens()).at(-1)?.label).toBe("gemini-10000");
    await store.close();
  });
});

describe("token export", () => {
  async function filled() {
    const { data, cli } = fresh({ stdin: MIXED });
    await cli("token", "import", "-");
    const change = [
      "--label",
      'a "b", c',
      "--proxy",
      "http://u:hunter2@p.example:1",
      "--tags",
      "x,y",
      "--rpm",
      "5",
      "--disable",
      "--priority",
      "2",
    ];
    await cli("token", "set", "1", ...change);
    return { data, cli };
  }

  test.each(["json", "csv"])("as %s it holds no secret unless asked", async (format) => {
    const { cli } = await filled();
    const { code, out } = await cli("token", "export", "--format", format);
    expect(code).toBe(0);
    expect(out).toContain("ry01");
    expect(out).not.toMatch(/Canary|canary|hunter2/);
  });

  test.each(["json", "csv", "lines"])("as %s with secrets it comes back in as it was", async (format) => {
    const { data, cli } = await filled();
    const { out } = await cli("token", "export", "--format", format, "--secrets");
    const other = fresh({ stdin: out });
    expect((await other.cli("token", "import", "-")).out).toBe("2 new, 0 known, 0 invalid\n");
    const facts = (tokens: Awaited<ReturnType<typeof tokensOf>>) =>
      tokens.map(({ createdAt: _, caps, ...row }) =>
        format === "json" ? { ...row, caps } : format === "csv" ? row : [row.provider, row.secret],
      );
    expect(facts(await tokensOf(other.data))).toEqual(facts(await tokensOf(data)));
  });

  test("to a file it is for its owner only, and replaces none", async () => {
    const { data, cli } = await filled();
    const file = `${data}.json`;
    expect((await cli("token", "export", "--secrets", "--file", file)).out).toBe(`2 tokens are in ${file}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toContain(KEY);
    expect(await cli("token", "export", "--file", file)).toEqual({ code: 1, out: "", err: `${file} is there already.\n` });
  });

  test("bare lines are secrets and have to be asked for", async () => {
    const { data, cli } = fresh();
    expect(await cli("token", "export", "--format", "lines")).toMatchObject({ code: 2, out: "" });
    expect(existsSync(data)).toBe(false);
  });
});
