// The seeded installation fits the tables as they are now, and a server starts on it.
import { expect, test } from "bun:test";
import { loadConfig } from "../src/config/config.ts";
import { silentLog } from "../src/log.ts";
import { start } from "../src/server.ts";
import { temporaryFolder } from "../src/testing.ts";
import { serveFromMock } from "./large.ts";
import { seed } from "./seed.ts";

test("a small installation is seeded, and served with its tokens and its log", async () => {
  using folder = temporaryFolder();
  await seed(folder.path, { requests: 200, tokens: 20, media: 10, keys: 3, jobs: 4 });
  serveFromMock(folder.path);
  const flags = { "server.host": "127.0.0.1", "server.port": 0, "storage.data_dir": folder.path, "refresh.enabled": false };
  const server = await start({ config: loadConfig({ file: null, env: {}, flags }), log: silentLog });
  try {
    const tokens = await server.context.store.listTokens();
    expect(tokens.map(({ provider }) => provider)).toEqual(Array.from({ length: 20 }, () => "gemini"));
    expect((await server.context.store.listKeys()).length).toBe(3);
    expect((await fetch(`${server.url}/ready`)).status).toBe(200);
  } finally {
    await server.stop();
  }
});
