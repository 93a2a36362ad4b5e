// Vault: keys as HKDF derives them, boxes that only their own key and purpose open, also without Node's ciphers.
import { expect, test } from "bun:test";
import { createHmac, hkdfSync } from "node:crypto";
import { createVault, createVaultOfTwo } from "./vault.ts";

const key = (first: number) => new Uint8Array(32).map((_, index) => (index * 7 + first) % 256);

test("keys are HKDF's, and the keyed hash is HMAC's: what is stored stays readable", () => {
  const vault = createVault(key(1));
  const expected = (info: string) => new Uint8Array(hkdfSync("sha256", key(1), new Uint8Array(0), `flow2api/1/${info}`, 32));
  for (const purpose of ["admin session", "", "ünïcode"]) {
    expect(vault.derive(purpose)).toEqual(expected(`derive/${purpose}`));
    const mac = createHmac("sha256", expected(`mac/${purpose}`))
      .update("text")
      .digest();
    expect(vault.mac(purpose, "text")).toEqual(new Uint8Array(mac));
  }
});

test("a box that was sealed before keys were derived here opens", () => {
  const box = "AQABAgMEBQYHCAkKCy8OmUEXgMtwPkV17Kh/kR2+7p4O/uo=";
  expect(createVault(key(1)).open("token", Buffer.from(box, "base64"))).toBe("secret");
});

test("whether a box opens is the same with and without Node's ciphers", async () => {
  const vault = createVault(key(1));
  const box = vault.seal("check", "text");
  const changed = (index: number) => box.map((byte, at) => (at === index ? byte ^ 1 : byte));
  const boxes = [box, ...Array.from(box, (_, index) => changed(index))];
  boxes.push(
    box.subarray(0, 28),
    box.subarray(0, 29),
    new Uint8Array(0),
    createVault(key(2)).seal("check", "text"),
    vault.seal("other", "text"),
  );
  const opened = boxes.map((one) => {
    try {
      return vault.open("check", one);
    } catch (error) {
      return (error as Error).message;
    }
  });
  const later = boxes.map((one) => vault.openLater("check", one).catch((error: Error) => error.message));
  expect(await Promise.all(later)).toEqual(opened);
  expect(opened.filter((text) => text === "text")).toHaveLength(1);
});

test("a vault of two keys opens what either has sealed", async () => {
  const both = createVaultOfTwo(key(1), key(2));
  const boxes = [1, 2, 3].map((first) => createVault(key(first)).seal("check", "text"));
  expect(await Promise.allSettled(boxes.map((box) => both.openLater("check", box)))).toMatchObject([
    { value: "text" },
    { value: "text" },
    { status: "rejected" },
  ]);
  expect(boxes.slice(0, 2).map((box) => both.open("check", box))).toEqual(["text", "text"]);
});
