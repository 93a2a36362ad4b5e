// The session cookie: content, signature, and rejected cookies.
import { describe, expect, test } from "bun:test";
import { virtualClock } from "../../testing.ts";
import { createSessionCookie, readCookie } from "./session-cookie.ts";

const HOUR = 3_600_000;

function rig(secret = new Uint8Array(32).fill(7)) {
  const clock = virtualClock();
  const cookie = createSessionCookie({ secret, now: clock.now });
  const sent = async (secure: boolean) => new Headers({ cookie: `other=1; ${(await cookie.write("the-id", secure)).split(";")[0]}` });
  return { clock, cookie, sent };
}

describe("the cookie", () => {
  test("holds nothing but the id and times, and is for this host over https alone", async () => {
    const { cookie } = rig();
    const written = await cookie.write("the-id", true);
    expect(written).toMatch(/^__Host-flow2api=[\w-]+\.[\w-]+\.[\w-]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
    const content = JSON.parse(Buffer.from(written.split(".")[1]!, "base64url").toString());
    expect(Object.keys(content).sort()).toEqual(["at", "exp", "sid"]);
  });

  test("has a plain name on http", async () => {
    expect(await rig().cookie.write("the-id", false)).toMatch(/^flow2api=[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
  });

  test("is read back, and should be written again after an hour", async () => {
    const { clock, cookie, sent } = rig();
    const headers = await sent(true);
    expect(await cookie.read(headers, true)).toEqual({ id: "the-id", isAging: false });
    await clock.advance(2 * HOUR);
    expect(await cookie.read(headers, true)).toEqual({ id: "the-id", isAging: true });
    await clock.advance(10 * HOUR);
    expect(await cookie.read(headers, true)).toBeNull();
  });

  test("of http is not believed on https", async () => {
    const { cookie, sent } = rig();
    expect(await cookie.read(await sent(false), true)).toBeNull();
  });

  test("signed by another secret, unsigned or damaged is none", async () => {
    const { cookie } = rig();
    const foreign = await rig(new Uint8Array(32).fill(8)).sent(true);
    const payload = Buffer.from(JSON.stringify({ sid: "the-id", at: 1_795_000_000, exp: 9_999_999_999 })).toString("base64url");
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
    const forged = [`${none}.${payload}.`, `${none}.${payload}.AAAA`, "a.b.c", "", "…"];
    expect(await cookie.read(foreign, true)).toBeNull();
    for (const text of forged) {
      const headers = { get: (name: string) => (name === "cookie" ? `__Host-flow2api=${text}` : null) } as unknown as Headers;
      expect(await cookie.read(headers, true)).toBeNull();
    }
  });
});

test.each([
  ["a=1; b=2", "b", "2"],
  ["a=1;b=x=y", "b", "x=y"],
  ["ab=1", "b", null],
  ["", "b", null],
])("in %p, %p is %p", (header, name, value) => {
  expect(readCookie(new Headers(header ? { cookie: header } : {}), name)).toBe(value);
});
