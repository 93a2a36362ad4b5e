// More keys of a running gateway, and waiting for what another process does.
import type { NewKey } from "../src/domain/key.ts";
import { hashKey } from "../src/gateway/keys/keys.ts";
import { newKey } from "../src/ids.ts";
import type { Rig } from "./rig.ts";

/** A second key of the same gateway, known to the running server. */
export async function addKey({ context }: Rig, change: Partial<NewKey> = {}): Promise<string> {
  const { key, prefix } = newKey();
  await context.store.insertKey({ name: "other", hash: hashKey(key), prefix, ...change }, Date.now());
  context.keys.load(await context.store.listKeys(), await context.store.listKeyHashes());
  return key;
}

/** Waits for a state that real sockets or another process bring about; 15 s at most. */
export async function until<T>(read: () => Promise<T | null | undefined | false> | T | null | undefined | false): Promise<T> {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await Bun.sleep(15)) {
    const value = await read();
    if (value) return value;
  }
  throw new Error(`It never came to be: ${read}`);
}
