// The executable with a models file: read at the start, again while serving, and imported by the command line beside it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../src/testing.ts";
import { type Program, runExecutable, startProgram } from "./executable.ts";

const ID = "gemini-nano-banana-3";
const OTHER = "gemini-nano-banana-4";
const textOf = (id: string, usd: number) => `[[family]]
id = "${id}"
kind = "image"
[family.providers.gemini]
aspects = ["1:1", "16:9"]
price.per_image.1K = ${usd}
`;

describe("beside a models file", () => {
  let program: Program;
  beforeAll(async () => {
    program = await startProgram({ models: textOf(ID, 0.05), simulator: { newModels: [ID, OTHER] } });
  });
  afterAll(async () => await program[Symbol.asyncDispose]());

  const chat = (model: string) =>
    fetch(`${program.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${program.key}`, "content-type": "application/json" },
      body: JSON.stringify({ model, messages: [{ role: "user", content: "a fox" }] }),
    });
  /** Asks until the model is served, for 10 s at most; the ms that it took. */
  const servedAfter = async (model: string): Promise<number> => {
    const start = Date.now();
    while (Date.now() - start < 10_000) if ((await chat(model)).status === 200) return Date.now() - start;
    throw new Error(`${model} is not served`);
  };

  test("its models are served and listed", async () => {
    expect((await chat(ID)).status).toBe(200);
    const list = await fetch(`${program.url}/v1/models`, { headers: { authorization: `Bearer ${program.key}` } });
    expect(await list.text()).toContain(ID);
  });

  test("an edit is in force within the interval of the checks", async () => {
    writeFileSync(join(program.folder, "config", "models.toml"), `${textOf(ID, 0.05)}${textOf(OTHER, 0.06)}`);
    await servedAfter(OTHER);
    expect((await program.cli("models", "list")).stdout).toMatch(new RegExp(`${OTHER} +image +on +file +gemini +0\\.06`));
  });

  test("an import shows its differences, and the server takes it", async () => {
    const file = join(program.folder, "more.toml");
    writeFileSync(file, `${textOf("gemini-nano-banana-5", 0.07)}wire = "${ID}"\n`.replace("price.per_image.1K = 0.07\nwire", "wire"));
    const dry = await program.cli("models", "import", file, "--dry-run");
    expect([dry.code, dry.stdout]).toEqual([0, expect.stringContaining("+ family gemini-nano-banana-5\n")]);
    expect(dry.stdout).toContain("nothing was changed");
    expect((await program.cli("models", "import", file)).stdout).toContain("1 model is changed.");
    await servedAfter("gemini-nano-banana-5");
  });

  test("a broken file leaves what was in force and names its path", async () => {
    writeFileSync(join(program.folder, "config", "models.toml"), textOf(ID, 0.05).replace("aspects", "aspcts"));
    const path = `config/models.toml: family[${ID}].providers.gemini.aspcts: expected`;
    for (const until = Date.now() + 10_000; !program.logged().includes(path) && Date.now() < until; ) await Bun.sleep(20);
    expect(program.logged()).toContain(path);
    expect((await chat(OTHER)).status).toBe(200);
  });
});

test("a broken file at the start ends it with the path, what was expected and what was got", async () => {
  using folder = temporaryFolder();
  mkdirSync(join(folder.path, "config"));
  writeFileSync(join(folder.path, "config", "models.toml"), textOf(ID, 0.05).replace('"16:9"', '"16:10"'));
  const fault = `config/models.toml: family[${ID}].providers.gemini.aspects[1]: expected one of "1:1"`;
  for (const verb of [["serve", "--port", "0"], ["check-config"]]) {
    const { code, stderr } = await runExecutable(verb, { cwd: folder.path });
    expect([code, stderr]).toEqual([1, expect.stringContaining(fault)]);
    expect(stderr).toContain('got "16:10"');
  }
});
