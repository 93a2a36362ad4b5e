// What a crash leaves among the media files, and what the next start leaves of that.
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../config/config.ts";
import { openStore } from "../../db/sqlite/store.ts";
import { newId } from "../../ids.ts";
import { silentLog } from "../../log.ts";
import { temporaryFolder, virtualClock } from "../../testing.ts";
import { PIXEL_PNG } from "./media.fixtures.ts";
import { RowMediaStore } from "./media-store.ts";

test("a file without a row is moved aside at the next start; media, temp files and foreign files stay", async () => {
  using folder = temporaryFolder();
  const store = await openStore({ dataDir: folder.path, secretKey: new Uint8Array(32) });
  const { settings } = loadConfig({ file: null, env: {}, flags: {} });
  const open = () =>
    new RowMediaStore({
      rowBytes: 0,
      dataDir: folder.path,
      store,
      clock: virtualClock(Date.now()),
      settings: () => settings,
      log: silentLog,
    });
  const stored = await open().storeBytes(PIXEL_PNG, { origin: "result", keyId: 1, requestId: "r" });
  const media = join(folder.path, "media");
  const place = (...path: string[]) => {
    const file = join(media, ...path);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, "bytes");
    return file;
  };
  const orphan = place("q", `${newId()}.png`);
  const foreign = place("q", "README.txt");
  const tempFile = place("drafts", newId());
  const next = open();
  await next.start();
  expect([orphan, foreign, tempFile].map((file) => existsSync(file))).toEqual([false, true, true]);
  expect(readFileSync(orphan.replace(join("media", "q"), join("media", "orphans", "q")), "utf8")).toBe("bytes");
  expect(await (await next.open(stored.id))?.blob.bytes()).toEqual(PIXEL_PNG);
  await next.stop();
  await store.close();
});
