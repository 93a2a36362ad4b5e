// key create, key set and token set: what the options come to in the store, and what is refused.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadSecretKey } from "../db/sqlite/secrets.ts";
import { openStore } from "../db/sqlite/store.ts";
import type { Store } from "../db/store.ts";
import { type KeyRow, NO_LIMITS } from "../domain/key.ts";
import type { TokenRow } from "../domain/token.ts";
import { parseCaps } from "../gateway/pool/token-quota.ts";
import { temporaryFolder } from "../testing.ts";
import { runRecorded, type World } from "./testing.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

let folders = 0;
function fresh(world: Partial<World> = {}) {
  const data = join(folder.path, `data-${folders++}`);
  const cli = (...argv: string[]) => runRecorded({ cwd: folder.path, ...world }, ...argv, "--data", data);
  const withStore = async <T>(read: (store: Store) => Promise<T>): Promise<T> => {
    const store = await openStore({ dataDir: data, secretKey: loadSecretKey(data, {}) });
    return read(store).finally(() => store.close());
  };
  const key = () => withStore(async (store) => (await store.listKeys())[0]!);
  const token = () => withStore(async (store) => (await store.listTokens())[0]!);
  return { data, cli, withStore, key, token };
}

const span = (day: number | null, month: number | null, total: number | null) => ({ day, month, total });

describe("key create", () => {
  const usual = { ...NO_LIMITS, rpm: 600, concurrency: 200 };

  test("without options makes a key that may do everything, at the pace that the settings give to new keys", async () => {
    const { cli, key } = fresh();
    await cli("key", "create", "--name", "bob");
    expect(await key()).toMatchObject({ limits: usual, models: [], kinds: [], addresses: [], expiresAt: null, enabled: true });
  });

  test("takes the defaults of its settings, with 0 for no limit, and what is said otherwise", async () => {
    const { cli, key, data } = fresh();
    writeFileSync(join(data, "..", "keys.toml"), "[keys]\nrpm = 0\nconcurrency = 7\nupload_mb_day = 50\n");
    await cli("key", "create", "--name", "bob", "--limit-upload-mb-day", "", "--config", join(data, "..", "keys.toml"));
    expect((await key()).limits).toEqual({ ...NO_LIMITS, concurrency: 7 });
  });

  test("stores what its options say", async () => {
    const { cli, key } = fresh();
    const limits =
      "--rpm 60 --concurrency 4 --limit-images-day 5 --limit-images-month 50 --limit-images-total 10 --limit-video-seconds-day 8.5";
    const money =
      "--limit-video-seconds-month 60 --limit-video-seconds-total 600 --limit-usd-day 0.5 --limit-usd-month 5 --limit-usd-total 100";
    const may = "--models gemini-3-pro-image,dall-e-3 --kinds image,video --addresses 10.0.0.0/8,::1 --expires 2027-01-01";
    const chat = "--image-form images --video-form html_fence --side-calls refuse --images-routes-only on";
    const { code } = await cli("key", "create", "--name", "bob", ...`${limits} ${money} ${may} ${chat}`.split(" "));
    expect(code).toBe(0);
    expect(await key()).toMatchObject({
      limits: { rpm: 60, concurrency: 4, images: span(5, 50, 10), videoSeconds: span(8.5, 60, 600), usd: span(0.5, 5, 100) },
      models: ["gemini-3-pro-image", "dall-e-3"],
      kinds: ["image", "video"],
      addresses: ["10.0.0.0/8", "::1"],
      expiresAt: Date.UTC(2027, 0, 1),
      imageForm: "images",
      videoForm: "html_fence",
      sideCalls: "refuse",
      imagesRoutesOnly: true,
    });
  });
});

describe("key set", () => {
  async function made(...options: string[]) {
    const world = fresh();
    await world.cli("key", "create", "--name", "bob", ...options);
    return world;
  }

  test("changes what is given and leaves the rest", async () => {
    const { cli, key } = await made("--rpm", "60", "--limit-usd-day", "1", "--models", "dall-e-3");
    const before = await key();
    expect(await cli("key", "set", "1", "--limit-usd-month", "9", "--concurrency", "2")).toEqual({
      code: 0,
      out: "Key 1 is changed.\n",
      err: "",
    });
    expect(await key()).toEqual({ ...before, limits: { ...before.limits, concurrency: 2, usd: span(1, 9, null) } });
  });

  const CLEARED: [string, string[], Partial<KeyRow>][] = [
    ["limits", ["--rpm", "", "--concurrency", "", "--limit-usd-day", ""], { limits: NO_LIMITS }],
    ["models", ["--models", ""], { models: [] }],
    ["the end", ["--expires", ""], { expiresAt: null }],
    [
      "what the settings say otherwise",
      ["--side-calls", "", "--image-form", "", "--video-form", "", "--images-routes-only", ""],
      { sideCalls: null, imageForm: null, videoForm: null, imagesRoutesOnly: false },
    ],
  ];
  test.each(CLEARED)("an empty value clears %s", async (_, options, expected) => {
    const all = ["--rpm", "6", "--limit-usd-day", "1", "--models", "dall-e-3", "--expires", "2027-01-01"];
    const { cli, key } = await made(
      ...all,
      "--auxiliary",
      "on",
      "--images-routes-only",
      "on",
      "--image-form",
      "images",
      "--video-form",
      "link",
    );
    expect((await cli("key", "set", "1", ...options)).code).toBe(0);
    expect(await key()).toMatchObject(expected);
  });

  test("disables, enables and renames", async () => {
    const { cli, key } = await made();
    await cli("key", "set", "1", "--disable", "--name", "alice");
    expect(await key()).toMatchObject({ enabled: false, name: "alice" });
    await cli("key", "set", "1", "--enable");
    expect(await key()).toMatchObject({ enabled: true, name: "alice" });
  });

  test("fails for a key that is not there and for one that was revoked", async () => {
    const { cli } = await made();
    expect(await cli("key", "set", "2", "--rpm", "1")).toEqual({ code: 1, out: "", err: "There is no key 2.\n" });
    await cli("key", "revoke", "1");
    expect(await cli("key", "set", "1", "--enable")).toEqual({ code: 1, out: "", err: "Key 1 was deleted: restore it first.\n" });
  });
});

describe("token set", () => {
  async function made(world: Partial<World> = {}) {
    const all = fresh(world);
    await all.cli("token", "add", "--no-check", "--provider", "gemini", "--secret", "AIza-secret-0123456789", "--group", "g");
    return all;
  }

  test("changes what is given and leaves the rest", async () => {
    const { cli, token } = await made();
    const before = await token();
    const places = "--image-concurrency -1 --video-concurrency 3 --weight 2.5 --priority -5 --image off --video on";
    const rest = "--label new --group other --disable --allow gemini-3-pro-image --deny imagen-4,gemini-2.5-flash-image --tags a,b,a";
    const { code, out } = await cli("token", "set", "1", ...`${places} ${rest}`.split(" "), "--note", "two words");
    expect([code, out]).toEqual([0, "Token 1 is changed.\n"]);
    const expected: TokenRow = {
      ...before,
      imageConcurrency: -1,
      videoConcurrency: 3,
      weight: 2.5,
      priority: -5,
      imageEnabled: false,
      videoEnabled: true,
      label: "new",
      group: "other",
      enabled: false,
      allowFamilies: ["gemini-3-pro-image"],
      denyFamilies: ["imagen-4", "gemini-2.5-flash-image"],
      tags: ["a", "b"],
      note: "two words",
    };
    expect(await token()).toEqual(expected);
    await cli("token", "set", "1", "--group", "", "--allow", "", "--note", "", "--tags", "", "--enable");
    expect(await token()).toEqual({ ...expected, group: null, allowFamilies: [], note: "", tags: [], enabled: true });
  });

  test("caps are those that the pool reads; caps by model stay, an empty value takes one away", async () => {
    const { cli, withStore, token } = await made();
    await withStore((store) => store.updateToken(1, { caps: { models: { "imagen-4": { requestsPerDay: 3 } } } }));
    await cli("token", "set", "1", "--rpm", "10", "--rpd", "500", "--ipm", "20", "--usd-day", "2.5");
    const caps = parseCaps((await token()).caps);
    expect(caps?.token).toEqual({ requestsPerMinute: 10, requestsPerDay: 500, imagesPerMinute: 20, usdPerDay: 2.5 });
    expect(caps?.models.get("imagen-4")?.requestsPerDay).toBe(3);
    await cli("token", "set", "1", "--rpd", "", "--usd-day", "");
    expect(parseCaps((await token()).caps)?.token).toEqual({
      requestsPerMinute: 10,
      requestsPerDay: null,
      imagesPerMinute: 20,
      usdPerDay: null,
    });
  });

  test("the last cap taken away leaves none", async () => {
    const { cli, token } = await made();
    await cli("token", "set", "1", "--rpm", "10");
    await cli("token", "set", "1", "--rpm", "");
    expect((await token()).caps).toBeNull();
  });

  test("a proxy comes from the command line or standard input, and goes with an empty value", async () => {
    const { cli, token } = await made({ stdin: "http://me:pass@proxy.example:3128\n" });
    await cli("token", "set", "1", "--proxy", "https://proxy.example:8443");
    expect((await token()).proxy).toBe("https://proxy.example:8443");
    await cli("token", "set", "1", "--proxy", "-");
    expect((await token()).proxy).toBe("http://me:pass@proxy.example:3128");
    await cli("token", "set", "1", "--proxy", "");
    expect((await token()).proxy).toBeNull();
  });

  test("fails for a token that is not there", async () => {
    const { cli } = await made();
    expect(await cli("token", "set", "2", "--disable")).toEqual({ code: 1, out: "", err: "There is no token 2.\n" });
  });
});

describe("refused as wrong usage, before the folder is touched", () => {
  const KEY = "key create --name bob";
  const CASES: [string, string][] = [
    [`${KEY} --rpm 0`, '--rpm: expected a whole number from 1 to 100000, got "0".'],
    [`${KEY} --rpm 1.5`, '--rpm: expected a whole number from 1 to 100000, got "1.5".'],
    [`${KEY} --concurrency -1`, '--concurrency: expected a whole number from 1 to 100000, got "-1".'],
    [`${KEY} --limit-images-day many`, '--limit-images-day: expected a whole number from 0 to 1000000000000, got "many".'],
    [`${KEY} --limit-usd-month 1,5`, '--limit-usd-month: expected a number from 0 to 999999999 with at most 6 decimals, got "1,5".'],
    [
      `${KEY} --limit-usd-month 0.0000001`,
      '--limit-usd-month: expected a number from 0 to 999999999 with at most 6 decimals, got "0.0000001".',
    ],
    [
      `${KEY} --limit-video-seconds-day -8`,
      '--limit-video-seconds-day: expected a number from 0 to 999999999 with at most 3 decimals, got "-8".',
    ],
    [`${KEY} --models gemini-3-pro-imag`, '--models: expected model ids (nearest is "gemini-3-pro-image"), got "gemini-3-pro-imag".'],
    [`${KEY} --kinds image,audio`, '--kinds: expected a list of image, video, got "audio".'],
    [`${KEY} --addresses 10.0.0.0/33`, '--addresses: expected addresses like "203.0.113.7" or "10.0.0.0/8", got "10.0.0.0/33".'],
    [
      `${KEY} --expires tomorrow`,
      '--expires: expected a day to come like 2027-01-01 (UTC), or a time like 2027-01-01T12:00:00Z, got "tomorrow".',
    ],
    [
      `${KEY} --expires 2027-02-30`,
      '--expires: expected a day to come like 2027-01-01 (UTC), or a time like 2027-01-01T12:00:00Z, got "2027-02-30".',
    ],
    [
      `${KEY} --expires 2026-11-23`,
      '--expires: expected a day to come like 2027-01-01 (UTC), or a time like 2027-01-01T12:00:00Z, got "2026-11-23".',
    ],
    [`${KEY} --expires 2026-11-23T12:00:00Z`, '--expires: expected a time to come, got "2026-11-23T12:00:00Z".'],
    [`${KEY} --image-form html`, '--image-form: expected one of markdown_url, markdown_data, images, got "html".'],
    [`${KEY} --auxiliary yes`, '--auxiliary: expected one of on, off, got "yes".'],
    ["key set 1", "Nothing to change was given."],
    ["key set 1 --enable --disable", "--enable and --disable contradict each other."],
    ["key set 1 --name=", "--name: expected a name, got nothing."],
    ["key set one --rpm 1", "ID: expected the number that key list shows."],
    ["token set 1", "Nothing to change was given."],
    ["token set one --disable", "ID: expected the number that token list shows."],
    ["token set 1 --image maybe", '--image: expected one of on, off, got "maybe".'],
    ["token set 1 --label=", "--label: expected a value, got nothing."],
    ["token set 1 --image-concurrency -2", '--image-concurrency: expected a whole number from -1 to 1000, got "-2".'],
    ["token set 1 --allow gemini-3-pro-imag", '--allow: expected families (nearest is "gemini-3-pro-image"), got "gemini-3-pro-imag".'],
    ["token set 1 --proxy socks4://canary@p:1080", "--proxy: is SOCKS4, which is not supported: give a socks5:// or http(s) proxy."],
    ["token set 1 --proxy me:canary@p:3128", "--proxy: expected an address like http://proxy.example:3128 or socks5://proxy.example:1080."],
  ];
  test.each(CASES)("%s", async (line, message) => {
    const { data, cli } = fresh();
    const { code, out, err } = await cli(...line.split(" "));
    const [first, second, ...rest] = err.split("\n");
    expect({ code, out, first, rest }).toEqual({ code: 2, out: "", first: message, rest: [""] });
    expect(second).toStartWith(`Usage: flow2api ${line.split(" ").slice(0, 2).join(" ")}`);
    expect(existsSync(data)).toBe(false);
  });
});
