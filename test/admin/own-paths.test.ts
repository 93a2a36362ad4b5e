// Paths that forms and htmx name to go back to, over HTTP: odd ones lead to a page of ours and are no failure.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";

/** Passwords are compared slowly, by design. */
setDefaultTimeout(30_000);

let rig: Rig;
let me: SignedIn;
beforeAll(async () => {
  rig = await startRig();
  me = await signIn(rig);
});
afterAll(() => rig[Symbol.asyncDispose]());

const BAD = [
  "/admin/tokens?q=雪\r\nx-bad: 1",
  "/admin\r\nset-cookie: a=b",
  "//elsewhere/admin",
  "/\\elsewhere/admin",
  "http://[",
  "/admin/../x",
  "javascript:1",
  "\u0000",
];

test.each(BAD)("a form that goes back to %p goes to a page of ours", async (back) => {
  const [token] = await rig.context.store.listTokens();
  const sent = [
    await me.post("/admin/undo/none", { back }),
    await me.post("/admin/preferences", { back, theme: "dark" }),
    await me.post("/admin/tokens/bulk", { back, act: "clear", id: `${token!.id}` }),
    await me.post("/admin/gallery/delete", { back }),
  ];
  for (const { status, headers } of sent) {
    expect([status, headers.get("x-bad")]).toEqual([303, null]);
    expect(headers.get("location")).toMatch(/^\/admin([/?][\x21-\x7e]*)?$/);
  }
});

test.each(BAD)("a refused form of the page %p is answered", async (form_page) => {
  const { status } = await me.post("/admin/tokens", { form_page, provider: "gemini", secret: "" });
  expect(status).toBe(422);
});

test.each(["http://[", "none", "", "http://x/\u00e9", "http://elsewhere/admin/keys?q=1", "javascript:1"])(
  "a part for the page %p is shown",
  async (page) => {
    const headers = { "hx-request": "true", "hx-current-url": page };
    expect((await me.get("/admin/undo", headers)).status).toBe(200);
    const out = await fetch(`${rig.url}/admin/undo`, { headers });
    expect([out.status, out.headers.get("hx-redirect")]).toEqual([401, expect.stringMatching(/^\/admin\/login\?ended=1/)]);
    expect((await me.post("/admin/undo/none", { back: page }, headers)).status).toBeLessThan(500);
  },
);

test("a path of ours stays as it is, its other letters written as URLs write them", async () => {
  const sent = await me.post("/admin/undo/none", { back: "/admin/keys?q=雪 1&x=a|b#key-1" });
  expect(sent.headers.get("location")).toBe("/admin/keys?q=%E9%9B%AA%201&x=a|b#key-1");
});
