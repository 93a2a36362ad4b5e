// Request report: keys and tokens that a search text names.
import { expect, test } from "bun:test";
import type { KeyRow } from "../../domain/key.ts";
import type { TokenRow } from "../../domain/token.ts";
import { namedAlike } from "./requests.ts";

const deps = {
  store: {
    listKeys: async () => [
      { id: 1, name: "Shop", prefix: "sk-f2a-AbC1" } as KeyRow,
      { id: 2, name: "blog", prefix: "sk-f2a-xyz9" } as KeyRow,
    ],
  },
  pool: { rows: () => [{ id: 7, label: "Birch", identity: "Me@example.com", group: null } as TokenRow] },
} as unknown as Parameters<typeof namedAlike>[0];

test.each([
  ["a whole key by its visible beginning, in whatever case", "sk-f2a-AbC1restofthekey", [1], []],
  ["a key by its name", "SHOP", [1], []],
  ["a token by its account", "me@EXAMPLE", [], [7]],
  ["nothing by a single letter", "s", [], []],
])("a text names %s", async (_, text, keys, tokens) => {
  expect(await namedAlike(deps, text)).toEqual({ keys, tokens });
});
