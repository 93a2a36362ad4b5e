// When the program begins again for what it wants of its runtime, and when it warns that there may be too few calls.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { prepareRuntime, WANTED, warnOfFewCalls } from "./runtime.ts";

const VARIABLE = "BUN_CONFIG_MAX_HTTP_REQUESTS";

describe("the program begins anew", () => {
  const only = (...names: string[]) => Object.fromEntries(Object.entries(WANTED).filter(([name]) => names.includes(name)));
  const without = (...names: string[]) => Object.fromEntries(Object.entries(WANTED).filter(([name]) => !names.includes(name)));
  test.each([
    ["serve", {}, [WANTED]],
    ["", {}, [WANTED]],
    ["--port 8001", {}, [WANTED]],
    ["serve", { ...WANTED, [VARIABLE]: "" }, [only(VARIABLE)]],
    ["serve", without("BUN_IDLE_GC_SECONDS", "BUN_JSC_defaultB3OptLevel"), [only("BUN_IDLE_GC_SECONDS", "BUN_JSC_defaultB3OptLevel")]],
    ["serve", { ...WANTED, [VARIABLE]: "512", BUN_IDLE_GC_SECONDS: "10" }, []],
    ["token list", {}, []],
    ["version", {}, []],
    ["--version", {}, []],
  ])("for %p in %p with %p", (command, env, expected) => {
    const begun: object[] = [];
    const begin = (more: object) => void begun.push(more);
    prepareRuntime(command.split(" "), env, begin, () => false);
    expect(begun).toEqual(expected);
  });

  test.each([
    [{}, true, "/dev/shm"],
    [{ BUN_TMPDIR: "/elsewhere" }, true, undefined],
    [{}, false, undefined],
  ])("with files of the runtime in memory where there is such a folder: %p, %p", (env, isThere, expected) => {
    const begun: Record<string, string>[] = [];
    const begin = (more: Record<string, string>) => void begun.push(more);
    prepareRuntime(["serve"], env, begin, () => isThere);
    expect(begun.map(({ BUN_TMPDIR }) => BUN_TMPDIR)).toEqual([expected]);
    prepareRuntime(["serve"], { ...env, ...WANTED }, begin, () => isThere);
    expect(begun).toHaveLength(1);
  });
});

test.each(["Dockerfile", "deploy/flow2api.service"])("not with what %s sets", async (file) => {
  const set = await Bun.file(join(import.meta.dir, "..", "..", "..", file)).text();
  const env = Object.fromEntries([...set.matchAll(/\b(BUN_\w+)=(\S+)/g)].map(([, name, value]) => [name, value]));
  expect(env).toEqual(WANTED);
});

test("the runtime collects twice within seconds of quiet: a variable that it did not know would be nothing", async () => {
  await using child = Bun.spawn([process.execPath, "-e", "setInterval(() => {}, 60_000)"], {
    env: { ...process.env, ...WANTED, BUN_JSC_logGC: "1" },
    stdout: "ignore",
    stderr: "pipe",
  });
  let logged = "";
  const collections = () => logged.split("FullCollection").length - 1;
  for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>)) {
    logged += chunk;
    if (collections() >= 2) break;
  }
  expect(collections()).toBeGreaterThanOrEqual(2);
}, 30_000);

describe("it warns", () => {
  const token = (imageConcurrency: number, videoConcurrency: number, enabled = true) => ({ enabled, imageConcurrency, videoConcurrency });
  test.each([
    ["not of an empty pool", [], undefined, null],
    ["not of what fits", [token(200, 56)], undefined, null],
    ["of one call more", [token(200, 57)], undefined, { held: 256, wanted: 257 }],
    ["not of tokens that are switched off", [token(1000, 1000, false)], undefined, null],
    ["of a token without a limit", [token(-1, 1)], "512", { held: 512, wanted: "unlimited" }],
    ["not where many are held", [token(-1, 1)], "8192", null],
    ["not within what the operator chose", [token(500, 500)], "1000", null],
  ] as const)("%s", (_, tokens, chosen, expected) => {
    const warned: unknown[] = [];
    warnOfFewCalls(tokens, { env: { [VARIABLE]: chosen } }, { warn: (_message, fields) => void warned.push(fields) });
    expect(warned).toEqual(expected ? [expected] : []);
  });
});
