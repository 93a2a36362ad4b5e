// The alert about few images left: what the caps of tokens allow today is shown beside the rule.
import { expect, setDefaultTimeout, test } from "bun:test";
import { GEMINI, GEMINI_TWO, startRig } from "../rig.ts";
import { signIn } from "./admin.ts";
import { callerOf } from "./api.ts";

/** Passwords are compared slowly, by design. */
setDefaultTimeout(60_000);

test("is known where each token has a cap, and shown beside the rule", async () => {
  await using rig = await startRig({ tokens: [GEMINI, GEMINI_TWO], settings: { "alerts.images_left": 8 } });
  const [me, call] = [await signIn(rig), await callerOf(rig)];
  const page = async () => (await me.get("/admin/settings/alerts")).text();
  expect((await call("PATCH", "/tokens/1", { caps: { requests_per_day: 4 } })).status).toBe(200);
  // The other has none: nobody knows.
  expect(await page()).not.toContain(">now 4<");
  expect((await call("PATCH", "/tokens/2", { caps: { requests_per_day: 3 } })).status).toBe(200);
  expect(await page()).toContain(">now 7<");
  expect((await rig.chat()).status).toBe(200);
  expect(await page()).toContain(">now 6<");
});
