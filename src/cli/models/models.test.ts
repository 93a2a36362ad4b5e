// models list and import on a real data folder.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../testing.ts";
import { runRecorded, type World } from "../testing.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

let count = 0;
function fresh(text: string, world: Partial<World> = {}) {
  const cwd = join(folder.path, `folder-${count++}`);
  mkdirSync(join(cwd, "config"), { recursive: true });
  writeFileSync(join(cwd, "more.toml"), text);
  return { cwd, cli: (...argv: string[]) => runRecorded({ cwd, ...world }, ...argv) };
}

const CHANGE = '[[family]]\nid = "imagen-4"\ntitle = "Imagen"\nproviders.flow.max_inputs = 2\n';

test("an import shows what differs, then takes it; again nothing is different", async () => {
  const { cli } = fresh(CHANGE);
  const lines = '~ family imagen-4\n    title: "Imagen 4" -> "Imagen"\n    providers.flow.max_inputs: 5 -> 2\n';
  expect(await cli("models", "import", "more.toml", "--dry-run")).toMatchObject({
    code: 0,
    out: `${lines}(dry run: nothing was changed)\n`,
  });
  expect(await cli("models", "import", "more.toml")).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^~ family imagen-4\n[\s\S]*1 model is changed/),
  });
  expect(await cli("models", "import", "more.toml")).toMatchObject({ code: 0, out: "Nothing is different.\n" });
});

test.each([
  ["n", 1, "Nothing was changed."],
  ["yes", 0, "1 model is changed."],
])("on a terminal it asks first: %p", async (response, code, reported) => {
  const { cli } = fresh(CHANGE, { isTerminal: true, ask: async () => response });
  expect(await cli("models", "import", "more.toml")).toMatchObject({ code, out: expect.stringContaining(reported) });
  const again = await cli("models", "import", "more.toml", "--yes");
  expect(again.out).toContain(code === 0 ? "Nothing is different." : "1 model is changed.");
});

test("a wrong file is refused with its own name and path", async () => {
  const { cli } = fresh(CHANGE.replace("max_inputs = 2", "max_input = 2"));
  expect(await cli("models", "import", "more.toml")).toMatchObject({
    code: 1,
    err: expect.stringContaining("more.toml: family[imagen-4].providers.flow.max_input: expected one of the fields"),
  });
});

test("a list shows state, origin, price and retirement, of the models file too", async () => {
  const { cwd, cli } = fresh("");
  writeFileSync(
    join(cwd, "config", "models.toml"),
    '[[family]]\nid = "x-image"\nkind = "image"\nenabled = false\n[family.providers.gemini]\n',
  );
  const { out } = await cli("models", "list");
  expect(out).toMatch(/x-image +image +off +file +gemini +0.045-0.24 \(not priced: assumed\)/);
  expect(out).toMatch(/gemini-omni-1.1-flash +video +on +built-in +gemini\S* +0.03-0.3 +gemini 2026-12-03/);
});
