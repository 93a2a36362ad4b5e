// upgrade --check: what a file of versions says, where it may lie, and that nothing else is asked.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../testing.ts";
import { VERSION } from "../version.ts";
import { runRecorded } from "./testing.ts";
import { newerThan, readVersions } from "./version-list.ts";

const NEWER = "99.1.0";

async function check(content: string, ...more: string[]) {
  using folder = temporaryFolder();
  await Bun.write(join(folder.path, "versions.json"), content);
  return await runRecorded({ cwd: folder.path }, "upgrade", "--check", "--versions", "versions.json", ...more);
}

describe("a file", () => {
  test("with a newer version prints that alone, and shows people what it is", async () => {
    const { code, out, err } = await check(
      JSON.stringify({
        versions: [
          { version: NEWER, date: "2027-01-02", notes: "Faster.", url: "https://x.example/99", security: true },
          { version: VERSION },
        ],
      }),
    );
    expect([code, out]).toEqual([0, `${NEWER}\n`]);
    expect(err).toBe(
      `${NEWER}, of 2027-01-02, mends the security of an earlier one\n  Faster.\n  https://x.example/99\nThis is flow2api ${VERSION}. Newest is ${NEWER}.\n`,
    );
  });

  test.each([
    ["the same version", JSON.stringify([VERSION])],
    ["older ones", JSON.stringify({ versions: ["0.0.1", VERSION] })],
    ["one before a release", JSON.stringify([`${NEWER}-rc.1`])],
  ])("with %s prints nothing to standard output", async (_name, content) => {
    expect(await check(content)).toEqual({ code: 0, out: "", err: `flow2api ${VERSION} is the newest version there.\n` });
  });

  test.each([["", "{}", "[]", "nothing of that kind", '{"versions":[{"name":"x"}]}', "<html></html>"]].flat().map((text) => [text]))(
    "%p is none",
    async (content) => {
      expect(await check(content)).toEqual({ code: 1, out: "", err: "versions.json: expected a list of versions, got none.\n" });
    },
  );

  test("that is not there is named", async () => {
    using folder = temporaryFolder();
    const { code, err } = await runRecorded({ cwd: folder.path }, "upgrade", "--check", "--versions", "gone.json");
    expect([code, err]).toEqual([1, "gone.json: expected a file, got no such file.\n"]);
  });
});

describe("usage", () => {
  test.each([
    [["--versions", "x"], "upgrade installs nothing: write --check to see whether there is a newer version."],
    [["--check"], 'Missing option "--versions FILE".'],
    [[], 'Missing option "--versions FILE".'],
  ])("%p", async (args, message) => {
    using folder = temporaryFolder();
    const { code, err } = await runRecorded({ cwd: folder.path }, "upgrade", ...args);
    expect([code, err.split("\n")[0]]).toEqual([2, message]);
  });
});

describe("a URL", () => {
  const serving = (handler: (url: URL, origin: string) => Response) => {
    const asked: string[] = [];
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        const url = new URL(request.url);
        asked.push(`${request.method} ${url.pathname}${url.search}`);
        return handler(url, url.origin);
      },
    });
    return { url: `http://127.0.0.1:${server.port}`, asked, [Symbol.asyncDispose]: () => server.stop(true) };
  };
  const ask = async (url: string, env = {}) => {
    using folder = temporaryFolder();
    return await runRecorded({ cwd: folder.path, env }, "upgrade", "--check", "--versions", url);
  };

  test("is asked once, and nothing beside it", async () => {
    await using server = serving(() => Response.json({ latest: NEWER }));
    expect(await ask(`${server.url}/versions.json?key=abc`)).toMatchObject({ code: 0, out: `${NEWER}\n` });
    expect(server.asked).toEqual(["GET /versions.json?key=abc"]);
  });

  test("may redirect, a few times", async () => {
    await using server = serving((url) => (url.pathname === "/latest" ? Response.redirect("/v.json", 302) : Response.json([NEWER])));
    expect((await ask(`${server.url}/latest`)).out).toBe(`${NEWER}\n`);
    await using circle = serving(() => Response.redirect("/again", 302));
    expect(await ask(`${circle.url}/a?secret=1`)).toMatchObject({ code: 1, err: `${circle.url}/a redirects too often.\n` });
    await using wrong = serving(() => new Response(null, { status: 302, headers: { location: "file:///etc/passwd" } }));
    expect(await ask(wrong.url)).toMatchObject({ code: 1, err: `${wrong.url}/ redirects to what is not fetched.\n` });
  });

  test("that refuses, is gone or sends too much is named, without its query", async () => {
    await using server = serving(({ pathname }) =>
      pathname === "/big" ? new Response("9".repeat(2_000_000)) : new Response("no", { status: 404 }),
    );
    expect(await ask(`${server.url}/x?key=abc`)).toEqual({ code: 1, out: "", err: `${server.url}/x answered 404.\n` });
    expect((await ask(`${server.url}/big`)).code).toBe(1);
    expect(await ask("http://127.0.0.1:1/x?key=abc")).toEqual({ code: 1, out: "", err: "http://127.0.0.1:1/x cannot be reached.\n" });
  });

  test("is asked through the proxy of the environment, but for what that leaves out", async () => {
    await using proxy = serving(() => Response.json([NEWER]));
    const env = { HTTP_PROXY: proxy.url };
    expect((await ask("http://versions.example/v.json", env)).out).toBe(`${NEWER}\n`);
    expect(proxy.asked).toHaveLength(1);
    await ask("http://127.0.0.1:1/", { ...env, NO_PROXY: "example.org, 127.0.0.1" });
    expect(proxy.asked).toHaveLength(1);
  });
});

test("nothing but this command reads a list of versions, and none has an address built in", async () => {
  const files = [...new Bun.Glob("**/*.ts").scanSync(join(import.meta.dir, ".."))].filter((file) => !file.endsWith(".test.ts"));
  const texts = await Promise.all(files.map(async (file) => [file, await Bun.file(join(import.meta.dir, "..", file)).text()] as const));
  expect(texts.filter(([, text]) => text.includes('version-list.ts"')).map(([file]) => file)).toEqual(["cli/upgrade.ts"]);
  expect(texts.filter(([, text]) => text.includes('upgrade.ts"')).map(([file]) => file)).toEqual(["cli/cli.ts"]);
  const [, upgrade] = texts.find(([file]) => file === "cli/upgrade.ts")!;
  expect(upgrade).not.toMatch(/https?:\/\/[a-z]/);
});

describe("forms of a file", () => {
  test.each([
    ["a list", '["1.0.0", "v2.0.0"]', ["1.0.0", "2.0.0"]],
    ["objects", '[{"version": "1.0.0"}, {"version": 3}, null]', ["1.0.0"]],
    ["the answer of a forge", '[{"tag_name": "v1.0.0", "name": "One"}]', ["1.0.0"]],
    ["one release of a forge", '{"tag_name": "v1.0.0"}', ["1.0.0"]],
    ["a list and the latest", '{"versions": ["1.0.0"], "latest": "2.0.0"}', ["1.0.0", "2.0.0"]],
    ["releases", '{"releases": [{"version": "1.0.0"}]}', ["1.0.0"]],
    ["versions as names", '{"1.0.0": {"date": "x"}, "2.0.0": {}}', ["1.0.0", "2.0.0"]],
    ["npm's", '{"versions": {"1.0.0": {}, "2.0.0": {}}}', ["1.0.0", "2.0.0"]],
    ["lines", "# ours\nv1.0.0  the first\r\n\n2.0.0-rc.1\nnot one\n", ["1.0.0", "2.0.0-rc.1"]],
    ["one version", "1.0.0", ["1.0.0"]],
    ["one version as JSON", '"1.0.0"', ["1.0.0"]],
    ["what is none", '["1.0", "1.0.0.0", "latest", "1.0.0; rm"]', []],
  ])("%s", (_name, text, expected) => {
    expect(readVersions(text).map(({ version }) => version)).toEqual(expected);
  });

  test("texts of others reach no terminal with control characters", () => {
    expect(readVersions(JSON.stringify([{ version: "1.0.0", notes: "\u001b[31mred", url: "a\nb", date: "x".repeat(501) }]))).toEqual([
      { version: "1.0.0" },
    ]);
  });

  test("newer ones are ordered by number, each once; those before a release only for one of their kind", () => {
    const all = ["1.9.0", "1.10.0", "1.10.0", "2.0.0-rc.2", "2.0.0-rc.10", "1.0.0"].map((version) => ({ version }));
    const from = (current: string) => newerThan(current, all).map(({ version }) => version);
    expect(from("1.0.0")).toEqual(["1.10.0", "1.9.0"]);
    expect(from("2.0.0-rc.1")).toEqual(["2.0.0-rc.10", "2.0.0-rc.2"]);
    expect(from("2.0.0")).toEqual([]);
  });
});
