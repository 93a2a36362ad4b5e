// A process of its own that writes tokens and small media into a data folder until it is ended: `bun backup.fixtures.ts DIR`.
import { loadSecretKey } from "../db/sqlite/secrets.ts";
import { openStore } from "../db/sqlite/store.ts";
import { newId } from "../ids.ts";

const dataDir = process.argv[2]!;
const store = await openStore({ dataDir, secretKey: loadSecretKey(dataDir, {}) });
for (let pair = 0; ; pair++) {
  // Both or none of a pair are in any moment's copy.
  const rows = ["left", "right"].map((side) => ({
    provider: "gemini",
    label: `${side}-${pair}`,
    secret: `secret-${side}-${pair}-${newId()}`,
  }));
  await store.insertTokens(rows, Date.now());
  if (pair === 5) process.stdout.write("writing\n");
}
