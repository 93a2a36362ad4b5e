// The thread that writes: order, errors, checkpoints, its death.
import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Media } from "../../../domain/generation.ts";
import { temporaryFolder } from "../../../testing.ts";
import type { Store } from "../../store.ts";
import { startThread } from "../../testing.ts";
import { openStore } from "../store.ts";
import type { StoreThread } from "./store-thread.ts";

const SECRET_KEY = new Uint8Array(32).fill(9);
const MEDIA: Media = {
  ...{ id: "a", kind: "image", origin: "input", mime: "image/png", ext: "png", bytes: 3, width: 1, height: 1, keyId: 1, createdAt: 0 },
  ...{ expiresAt: null, requestId: null, name: null, purpose: null, family: null },
};

async function withStore(body: (store: Store, thread: StoreThread, folder: string) => Promise<void>, onDeath?: (why: string) => void) {
  using folder = temporaryFolder();
  const thread = startThread(onDeath);
  const store = await openStore({ dataDir: folder.path, secretKey: SECRET_KEY, thread });
  try {
    await body(store, thread, folder.path);
  } finally {
    await store.close();
    await thread.close();
  }
}

test("writes of one turn and of the turns during their commit take effect in order", () =>
  withStore(async (store) => {
    const writes: Promise<void>[] = [];
    for (let turn = 0; turn < 40; turn++) {
      for (let count = 0; count < 20; count++) writes.push(store.writeFact("last", `${turn}/${count}`));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(writes);
    expect(await store.readFact("last")).toBe("39/19");
  }));

test("bytes arrive whole, beside plain actions of the same batch", () =>
  withStore(async (store) => {
    const bytes = crypto.getRandomValues(new Uint8Array(16_000));
    const estimate = { images: 1, videoMs: 0, microUsd: 1 };
    const row = { keyId: 1, requestId: "r", kind: "image", family: "f", at: 1, estimate } as const;
    const all = await Promise.all([
      store.begin([row]),
      store.insertMedia({ ...MEDIA, bytes: bytes.length }, bytes),
      store.begin([row, row]),
      store.insertMedia({ ...MEDIA, id: "b" }),
    ]);
    expect(all).toEqual([[{ id: 1 }], undefined, [{ id: 2 }, { id: 3 }], undefined]);
    expect(await store.readMediaBytes("a")).toEqual(bytes);
    expect(await store.readMediaBytes("b")).toBeNull();
  }));

test("an action that fails is rolled back alone, with its code", () =>
  withStore(async (store) => {
    const results = await Promise.allSettled([
      store.insertMedia(MEDIA),
      store.insertMedia({ ...MEDIA, mime: "image/webp" }),
      store.insertMedia({ ...MEDIA, id: "b" }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect((results[1] as PromiseRejectedResult).reason).toMatchObject({ name: "SQLiteError", code: "SQLITE_CONSTRAINT_PRIMARYKEY" });
    expect((await store.getMedia("a"))?.mime).toBe("image/png");
  }));

test("a file that cannot be opened is named", async () => {
  const thread = startThread();
  expect(thread.open("requests", { file: "/dev/null/requests.db" })).rejects.toMatchObject({
    kind: "invalid_request",
    message: expect.stringContaining("/dev/null/requests.db"),
  });
  await thread.close();
});

test("a log that has grown is brought into its file while the store is open, and is gone when it is closed", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "flow2api.db");
  const thread = startThread();
  const store = await openStore({ dataDir: folder.path, secretKey: SECRET_KEY, thread });
  const text = "x".repeat(100_000);
  for (let write = 0; write < 70; write++) await store.writeFact(`fact ${write}`, text);
  expect(statSync(file).size).toBeGreaterThan(2 * 1024 * 1024);
  await store.close();
  await thread.close();
  expect(await Bun.file(`${file}-wal`).exists()).toBe(false);
});

test("what was asked for before the close is written by it, and nothing after it", async () => {
  using folder = temporaryFolder();
  const thread = startThread();
  const store = await openStore({ dataDir: folder.path, secretKey: SECRET_KEY, thread });
  const writes = Array.from({ length: 600 }, (_, index) => store.writeFact(`fact ${index}`, "there"));
  await store.close();
  await Promise.all(writes);
  expect(store.writeFact("late", "x")).rejects.toThrow("closed");
  await thread.close();
  const again = await openStore({ dataDir: folder.path, secretKey: SECRET_KEY });
  expect(await again.readFact("fact 599")).toBe("there");
  await again.close();
});

test("what another process writes is seen", () =>
  withStore(async (store, _thread, folder) => {
    await store.writeFact("a", "1");
    const plain = await openStore({ dataDir: folder, secretKey: SECRET_KEY });
    await plain.writeFact("a", "2");
    await plain.close();
    expect(await store.readFact("a")).toBe("2");
  }));

test("its death is reported once with the reason, and every write fails from then on", async () => {
  const deaths: string[] = [];
  const workers: Worker[] = [];
  const Original = globalThis.Worker;
  globalThis.Worker = class extends Original {
    constructor(...args: ConstructorParameters<typeof Original>) {
      super(...args);
      workers.push(this);
    }
  };
  try {
    await withStore(
      async (store) => {
        await store.writeFact("a", "1");
        const waiting = store.writeFact("a", "2");
        workers[0]!.postMessage("this is no batch");
        // Each is answered, whether its batch came before the end or not.
        await Promise.allSettled([waiting, store.writeFact("a", "3"), Bun.sleep(0).then(() => store.writeFact("a", "4"))]);
        while (deaths.length === 0) await Bun.sleep(1);
        expect(store.writeFact("a", "5")).rejects.toThrow();
        expect(["1", "2", "3", "4"]).toContain((await store.readFact("a"))!);
      },
      (why) => deaths.push(why),
    );
  } finally {
    globalThis.Worker = Original;
  }
  expect(deaths).toHaveLength(1);
  expect(deaths[0]).toContain("JSON");
});

test("after a rest, in which it gives memory back, it writes as before", () =>
  withStore(async (store) => {
    await store.writeFact("before", "1");
    await Bun.sleep(1_300);
    await store.writeFact("after", "2");
    expect([await store.readFact("before"), await store.readFact("after")]).toEqual(["1", "2"]);
  }));
