// Two-step sign-in in Chromium: enrol from the QR code, sign in, a replay refused, a recovery code once, and the reset by command line.
import { afterAll, describe, expect, test } from "bun:test";
import { TOTP } from "otpauth";
import type { Page } from "playwright-core";
import { runRecorded } from "../../src/cli/testing.ts";
import { storePassword } from "../../src/gateway/auth/password.ts";
import { virtualClock } from "../../src/testing.ts";
import { startRig } from "../rig.ts";
import { ADMIN_PASSWORD } from "./admin.ts";
import { launchBrowser, overflow, PHONE, violations } from "./browser.ts";

const browser = await launchBrowser();
afterAll(() => browser[Symbol.asyncDispose]());

const LONG_MS = 90_000;
const START = Math.floor(Date.UTC(2026, 10, 30, 12) / 30_000) * 30_000;

async function signInBy(page: Page, url: string, password: string): Promise<void> {
  await page.goto(`${url}/admin/login`);
  expect(await page.inputValue("[name=username]")).toBe("admin");
  await page.fill("[name=password]", password);
  await page.press("[name=password]", "Enter");
  await page.waitForURL((at) => at.pathname !== "/admin/login");
}

/** Sends a code, and waits for what follows it: a mark at the field, or something of the next page. */
async function sendCode(page: Page, code: string, follows = "[name=code][aria-invalid=true]"): Promise<void> {
  // A mark of the code before must not be taken for this one's.
  await page.evaluate(() => document.querySelector("[name=code]")?.removeAttribute("aria-invalid"));
  await page.fill("[name=code]", code);
  await page.press("[name=code]", "Enter");
  await page.waitForSelector(follows, { state: "attached" });
}

const INSIDE = "form[action='/admin/logout']";

describe.each([
  { language: "en", javaScriptEnabled: true, viewport: { width: 1280, height: 800 } },
  { language: "zh-CN", javaScriptEnabled: false, viewport: PHONE },
])("in $language, scripts $javaScriptEnabled", ({ language, ...options }) => {
  test(
    "from enrolment to the reset",
    async () => {
      const clock = virtualClock(START);
      await using rig = await startRig({ clock });
      await storePassword(rig.context.store, ADMIN_PASSWORD, false);
      await using opened = await browser.open({ locale: language, ...options });
      const { page } = opened;
      await signInBy(page, rig.url, ADMIN_PASSWORD);
      await page.goto(`${rig.url}/admin/account`);
      await page.click("a[href='/admin/account/two-step']");
      await page.waitForSelector("svg.qr");
      const secret = (await page.textContent("#totp-key"))!.replaceAll(" ", "");
      const codeAt = (time: number) => new TOTP({ secret }).generate({ timestamp: time });

      await page.fill("[name=current]", ADMIN_PASSWORD);
      await sendCode(page, "000000");
      // The same secret, and the mistake at its field.
      expect((await page.textContent("#totp-key"))!.replaceAll(" ", "")).toBe(secret);
      expect(await page.getAttribute("[name=code]", "aria-invalid")).toBe("true");
      await page.fill("[name=current]", ADMIN_PASSWORD);
      await sendCode(page, codeAt(START), "#recovery-codes");
      const codes = (await page.textContent("#recovery-codes"))!.trim().split("\n");
      expect(codes).toHaveLength(10);
      if (options.javaScriptEnabled) expect(await violations(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);

      await page.context().clearCookies();
      await signInBy(page, rig.url, ADMIN_PASSWORD);
      expect(new URL(page.url()).pathname).toBe("/admin/login/code");
      if (options.javaScriptEnabled) expect(await violations(page)).toEqual([]);
      // The code of the enrolment, replayed.
      await sendCode(page, codeAt(START));
      expect(await page.getAttribute("[name=code]", "aria-invalid")).toBe("true");
      await sendCode(page, codeAt(START + 30_000), INSIDE);
      expect(new URL(page.url()).pathname).toBe("/admin");

      for (const [count, path] of ["/admin", "/admin/login/code"].entries()) {
        await page.context().clearCookies();
        await signInBy(page, rig.url, ADMIN_PASSWORD);
        await sendCode(page, codes[0]!, path === "/admin" ? INSIDE : undefined);
        expect([count, new URL(page.url()).pathname]).toEqual([count, path]);
      }

      const args = ["admin", "password", "--password", "-", "--data", rig.folder];
      expect((await runRecorded({ cwd: rig.folder, stdin: "after the lost phone\n" }, ...args)).code).toBe(0);
      await signInBy(page, rig.url, "after the lost phone");
      expect(new URL(page.url()).pathname).toBe("/admin");
      expect(opened.complaints).toEqual([]);
    },
    LONG_MS,
  );
});
