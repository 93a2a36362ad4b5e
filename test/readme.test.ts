// The README's commands as written, in a fresh clone: the demo, the build, the executable with a token, a key and requests.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Simulator, startSimulator } from "../src/simulator/simulator.ts";
import { temporaryFolder } from "../src/testing.ts";

const root = join(import.meta.dir, "..");
const folder = temporaryFolder();
const clone = join(folder.path, "flow2api");
let simulator: Simulator;

const lines = async (...command: string[]) =>
  (await new Response(Bun.spawn(command, { cwd: root }).stdout).text()).split("\n").filter(Boolean);

beforeAll(async () => {
  simulator = await startSimulator();
  const cloned = Bun.spawn(["git", "clone", "--quiet", root, clone], { stdio: ["ignore", "inherit", "inherit"] });
  expect(await cloned.exited).toBe(0);
  // What is changed and not committed yet belongs to what is tested.
  for (const file of await lines("git", "ls-files", "--modified", "--others", "--exclude-standard")) {
    if (!existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(root, file), join(clone, file));
  }
}, 60_000);

afterAll(async () => {
  await simulator.stop();
  folder[Symbol.dispose]();
});

/** The commands of the shell blocks below a heading, comments left out, lines that go on joined. */
async function commandsBelow(heading: string): Promise<string[]> {
  const text = await Bun.file(join(clone, "README.md")).text();
  const [, section = ""] = text.split(`\n## ${heading}\n`);
  const blocks = [...section.split("\n## ")[0]!.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, body]) => body!);
  return blocks
    .join("")
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => line.replace(/ {2,}# .*$/, "").trim())
    .filter((line) => line !== "");
}

type Shell = { env: Record<string, string>; stdin?: string };

async function run(command: string, { env, stdin = "" }: Shell): Promise<string> {
  const child = Bun.spawn(["bash", "-c", command], {
    cwd: clone,
    env: { PATH: process.env.PATH!, HOME: process.env.HOME!, ...env },
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  if (code !== 0) throw new Error(`${command}: exit ${code}\n${out}\n${err}`);
  return out;
}

/** Starts what serves until it is stopped, and waits for its address. */
async function serve(command: string, env: Record<string, string>) {
  const child = Bun.spawn(["bash", "-c", `exec ${command}`], {
    cwd: clone,
    env: { PATH: process.env.PATH!, HOME: process.env.HOME!, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const { promise: url, resolve, reject } = Promise.withResolvers<string>();
  let seen = "";
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) {
      seen += Buffer.from(chunk).toString("utf8");
      const found = /http:\/\/[\w.]+:([1-9]\d*)/.exec(seen.replaceAll(simulator.url, ""))?.[1];
      if (found) resolve(`127.0.0.1:${found}`);
    }
  };
  void Promise.all([read(child.stdout), read(child.stderr)]).then(() => reject(new Error(`${command} ended: ${seen}`)));
  const host = await url;
  return { host, stop: () => run(`kill ${child.pid}; while kill -0 ${child.pid} 2>/dev/null; do sleep 0.01; done`, { env: {} }) };
}

const curlOf = (command: string, host: string): string =>
  command
    .replace(/^curl /, "curl --silent --show-error --fail-with-body --retry 20 --retry-connrefused --retry-delay 1 ")
    .replaceAll("localhost:8000", host);

describe("in a fresh clone", () => {
  test("the first command serves the demo, and its curls work as written", async () => {
    const [demo, tests, ...curls] = await commandsBelow("Try it, test it");
    expect(demo).toMatch(/^npx -y bun@[\d.]+ run demo$/);
    // This very run: that it is there is all that can be seen from inside.
    expect(tests).toMatch(/^npx -y bun@[\d.]+ run test$/);
    const server = await serve(`${demo} --port 0`, {});
    try {
      expect(curls.length).toBeGreaterThan(1);
      const [models, ...others] = await Promise.all(curls.map((curl) => run(curlOf(curl, server.host), { env: {} })));
      expect(JSON.parse(models!)).toMatchObject({ object: "list" });
      for (const response of others) expect(response).toContain("data: [DONE]");
    } finally {
      await server.stop();
    }
  }, 240_000);

  test("the build makes the executable, which takes a token, makes a key and serves the curls as written", async () => {
    const [build, start, ...commands] = await commandsBelow("Run it");
    await run(build!, { env: {} });
    const env = {
      FLOW2API_SERVER_PORT: "0",
      FLOW2API_GEMINI_BASE_URL: simulator.geminiBaseUrl,
      FLOW2API_MEDIA_MIN_FREE_MB: "0",
    };
    const server = await serve(start!, env);
    try {
      let key = "";
      const seen: string[] = [];
      for (const command of commands) {
        if (command.startsWith("KEY=")) key = (await run(`${command}; echo "$KEY"`, { env })).trim();
        else if (command.startsWith("curl ")) seen.push(await run(curlOf(command, server.host), { env: { KEY: key } }));
        else expect(await run(command, { env, stdin: "alpha-project.key-one\n" })).toBe("1\n");
      }
      expect(key).toStartWith("sk-f2a-");
      expect(JSON.parse(seen[0]!)).toMatchObject({ object: "list" });
      expect(JSON.parse(seen[1]!)).toMatchObject({ data: [{ b64_json: expect.any(String) }] });
    } finally {
      await server.stop();
    }
  }, 300_000);

  test("every script that a person starts sets itself up first", async () => {
    const { scripts } = (await Bun.file(join(clone, "package.json")).json()) as { scripts: Record<string, string> };
    for (const [name, command] of Object.entries(scripts))
      if (name !== "setup") expect([name, command]).toEqual([name, expect.stringMatching(/^bun run setup && /)]);
  });
});
