// A key that another process has just made is known to the very next request.
import { expect, test } from "bun:test";
import { loadSecretKey } from "../../src/db/sqlite/secrets.ts";
import { openStore } from "../../src/db/sqlite/store.ts";
import { hashKey } from "../../src/gateway/keys/keys.ts";
import { newKey } from "../../src/ids.ts";
import { GEMINI, startRig } from "../rig.ts";

test("a key of the command line works at once, and wrong keys stay wrong", async () => {
  await using rig = await startRig({ tokens: [GEMINI] });
  const { key, prefix } = newKey();
  const other = await openStore({ dataDir: rig.folder, secretKey: loadSecretKey(rig.folder, {}), migrate: false });
  await other.insertKey({ name: "made elsewhere", hash: hashKey(key), prefix }, Date.now());
  await other.close();
  const ask = async (bearer: string) => (await fetch(`${rig.url}/v1/models`, { headers: { authorization: `Bearer ${bearer}` } })).status;
  expect(await ask(key)).toBe(200);
  expect(await ask(`${key}x`)).toBe(401);
});
