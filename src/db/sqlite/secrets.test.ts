// Secret key and vault: sealing, opening, wrong keys.
import { describe, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../testing.ts";
import { createVault } from "../vault.ts";
import { loadSecretKey } from "./secrets.ts";

const KEY = crypto.getRandomValues(new Uint8Array(32));
const BASE64 = Buffer.from(KEY).toString("base64");

describe("the key", () => {
  test("comes from the environment, in either base64 alphabet, and then makes no file", () => {
    using folder = temporaryFolder();
    expect(loadSecretKey(folder.path, { FLOW2API_SECRET_KEY: BASE64 })).toEqual(KEY);
    expect(loadSecretKey(folder.path, { FLOW2API_SECRET_KEY: ` ${Buffer.from(KEY).toString("base64url")}\n` })).toEqual(KEY);
    expect(existsSync(join(folder.path, "secret.key"))).toBe(false);
  });

  test("is made once in the data folder, for its owner only", () => {
    using folder = temporaryFolder();
    const dataDir = join(folder.path, "data");
    const made = loadSecretKey(dataDir, {});
    expect(made).toHaveLength(32);
    expect(loadSecretKey(dataDir, {})).toEqual(made);
    expect(statSync(join(dataDir, "secret.key")).mode & 0o777).toBe(0o600);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  });

  const refused: [string, string][] = [
    ["nothing", ""],
    ["a password", "correct horse battery staple"],
    ["31 bytes", Buffer.from(KEY.subarray(1)).toString("base64")],
    ["33 bytes", Buffer.from([...KEY, 1]).toString("base64")],
    ["32 characters of text", "abcdefghijklmnopqrstuvwxyz012345"],
    ["hexadecimal", Buffer.from(KEY).toString("hex")],
    ["32 times the same byte", Buffer.alloc(32, 65).toString("base64")],
  ];
  test.each(refused)("%s is refused, and the message does not hold it", (_, text) => {
    using folder = temporaryFolder();
    const load = () => loadSecretKey(folder.path, { FLOW2API_SECRET_KEY: text });
    expect(load).toThrow("FLOW2API_SECRET_KEY: expected");
    if (text) expect(load).not.toThrow(text);
  });

  test("is not made anew beside a database that needs the old one", async () => {
    using folder = temporaryFolder();
    await Bun.write(join(folder.path, "flow2api.db"), "");
    expect(() => loadSecretKey(folder.path, {})).toThrow("put it back");
    expect(existsSync(join(folder.path, "secret.key"))).toBe(false);
  });
});

describe("a vault", () => {
  const vault = createVault(KEY);

  test("opens what it sealed, of any length, and never seals alike twice", () => {
    for (const text of ["", "s", "günther 🔑".repeat(1000)]) {
      const box = vault.seal("a", text);
      expect(vault.open("a", box)).toBe(text);
      expect(vault.seal("a", text)).not.toEqual(box);
    }
  });

  test("does not open a box of another purpose or key, changed in any byte or cut", () => {
    const box = vault.seal("a", "the secret text");
    expect(() => vault.open("b", box)).toThrow("does not open");
    expect(() => createVault(crypto.getRandomValues(new Uint8Array(32))).open("a", box)).toThrow("does not open");
    for (let index = 0; index < box.length; index++) {
      const changed = box.with(index, box[index]! ^ 1);
      expect(() => vault.open("a", changed)).toThrow(/sealed value/);
      expect(() => vault.open("a", box.subarray(0, index))).toThrow(/sealed value/);
    }
  });

  test("derives keys that differ by purpose and stay the same", () => {
    expect(vault.derive("session")).toHaveLength(32);
    expect(vault.derive("session")).toEqual(createVault(KEY).derive("session"));
    expect(vault.derive("session")).not.toEqual(vault.derive("media"));
  });

  test("marks equal texts alike, and only with the same key and purpose", () => {
    expect(vault.mac("a", "x")).toEqual(vault.mac("a", "x"));
    expect(vault.mac("a", "x")).not.toEqual(vault.mac("a", "y"));
    expect(vault.mac("a", "x")).not.toEqual(vault.mac("b", "x"));
    expect(vault.mac("a", "x")).not.toEqual(createVault(KEY.with(0, KEY[0]! ^ 1)).mac("a", "x"));
  });

  test("needs 32 bytes", () => expect(() => createVault(KEY.subarray(1))).toThrow("32 bytes"));
});
