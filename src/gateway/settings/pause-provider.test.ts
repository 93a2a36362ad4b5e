// Pause of a provider: the list in the settings, and its undo.
import { expect, test } from "bun:test";
import type { Undoable } from "../audit/undo.ts";
import { pauseProvider } from "./pause-provider.ts";

function world(paused: string[]) {
  const seen: unknown[] = [];
  const deps = {
    settings: { apply: async (changes: object) => void seen.push(changes) },
    paused: () => paused,
    providers: new Map([
      ["gemini", null],
      ["flow", null],
    ]),
    undo: {
      async record({ action, steps }: Undoable) {
        seen.push([action, steps[0]]);
        return "id";
      },
    },
  };
  return { deps, seen };
}
const BY = { address: null };

test.each([
  ["pause", ["flow"], "gemini", true, ["flow", "gemini"], "provider.pause"],
  ["resume", ["flow", "gemini"], "flow", false, ["gemini"], "provider.resume"],
] as const)("%s changes the list and can be undone", async (_name, paused, provider, isPaused, after, action) => {
  const { deps, seen } = world([...paused]);
  expect(await pauseProvider(deps, provider, isPaused, BY)).toBe("id");
  const name = "pool.paused_providers";
  expect(seen).toEqual([{ [name]: after }, [action, { kind: "settings", before: { [name]: paused }, after: { [name]: after } }]] as never);
});

test("what is so already changes nothing; an unknown provider is refused", async () => {
  const { deps, seen } = world(["flow"]);
  expect([await pauseProvider(deps, "flow", true, BY), await pauseProvider(deps, "gemini", false, BY)]).toEqual([null, null]);
  await expect(pauseProvider(deps, "vertex", true, BY)).rejects.toMatchObject({ kind: "not_found" });
  expect(seen).toEqual([]);
});
