// Secrets of tokens: what a call renews is stored, except where the operator has replaced the secret meanwhile, on this node or another.
import { expect, test } from "bun:test";
import { openStore } from "../../db/sqlite/store.ts";
import { silentLog } from "../../log.ts";
import type { CallContext, ProviderState } from "../../providers/provider.ts";
import { temporaryFolder } from "../../testing.ts";
import { Credentials } from "./credentials.ts";

const [COOKIE, RENEWED, OPERATORS] = ["session-cookie-0001", "session-cookie-0002", "session-of-the-operator"] as const;

async function world() {
  const folder = temporaryFolder();
  const store = await openStore({ dataDir: folder.path, secretKey: new Uint8Array(32).fill(7) });
  const { id } = await store.insertToken({ provider: "flow", label: "a", secret: COOKIE }, 0);
  const openTempFile = () => Promise.reject(new Error("not used"));
  const node = () => new Credentials({ store, providers: new Map(), openTempFile, now: () => 0, log: silentLog });
  /** A call under way, with the secret that it began with. */
  const call = async (credentials: Credentials): Promise<CallContext> => {
    const token = await credentials.open(id);
    return credentials.callContext(token, new AbortController().signal);
  };
  const stored = async () => {
    const { secret, state } = await store.readTokenSecret(id);
    return [secret, state] as [string, ProviderState];
  };
  return {
    ...{ id, store, node, call, stored },
    async [Symbol.asyncDispose]() {
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

test("what a call renews and finds is stored, one after the other, also from several calls at once", async () => {
  await using w = await world();
  const node = w.node();
  const [one, two] = [await w.call(node), await w.call(node)];
  await Promise.all([
    one.remember({ secret: RENEWED, state: { a: 1 } }),
    two.remember({ state: { b: 2 } }),
    one.remember({ state: { c: 3 } }),
  ]);
  expect(await w.stored()).toEqual([RENEWED, { a: 1, b: 2, c: 3 }]);
  expect(await node.open(w.id)).toMatchObject({ secret: RENEWED, state: { a: 1, b: 2, c: 3 } });
});

test.each(["this node", "another node"])(
  "an exchange that ends after the operator's new secret, on %s, does not overwrite it",
  async (where) => {
    await using w = await world();
    const node = w.node();
    const exchange = await w.call(node);
    await (where === "this node" ? node : w.node()).replace(w.id, { secret: OPERATORS });
    await exchange.remember({ secret: RENEWED, state: { session: "of the former" } });
    expect(await w.stored()).toEqual([OPERATORS, {}]);
    expect(await node.open(w.id)).toMatchObject({ secret: OPERATORS, state: {} });
  },
);

test("what another node has found meanwhile stays, and so does what this one found", async () => {
  await using w = await world();
  const [here, there] = [w.node(), w.node()];
  const [one, other] = [await w.call(here), await w.call(there)];
  await other.remember({ state: { there: 1 } });
  await one.remember({ secret: RENEWED, state: { here: 2 } });
  expect(await w.stored()).toEqual([RENEWED, { there: 1, here: 2 }]);
  expect(await here.open(w.id)).toMatchObject({ secret: RENEWED, state: { there: 1, here: 2 } });
});

test("a secret that another token has is refused, and the token keeps its own", async () => {
  await using w = await world();
  await w.store.insertToken({ provider: "flow", label: "b", secret: OPERATORS }, 0);
  const node = w.node();
  await w.call(node);
  expect(await node.replace(w.id, { secret: OPERATORS }).catch(({ kind }) => kind)).toBe("conflict");
  expect(await node.open(w.id)).toMatchObject({ secret: COOKIE });
});

test("a secret that is replaced while it is being read is read again, and the former is not kept", async () => {
  await using w = await world();
  const read = w.store.readTokenSecret;
  const reading = Promise.withResolvers<void>();
  const replaced = Promise.withResolvers<void>();
  let reads = 0;
  w.store.readTokenSecret = async (id) => {
    const found = await read(id);
    if (++reads > 1) return found;
    reading.resolve();
    await replaced.promise;
    return found;
  };
  const node = w.node();
  const opening = node.open(w.id);
  await reading.promise;
  await node.replace(w.id, { secret: OPERATORS });
  replaced.resolve();
  expect(await opening).toMatchObject({ secret: OPERATORS });
  expect(await node.open(w.id)).toMatchObject({ secret: OPERATORS });
  expect(reads).toBe(2);
});
