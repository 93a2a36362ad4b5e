// Two-step sign-in over HTTP: replay, recovery codes, the way around the code, the command line's reset.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { TOTP } from "otpauth";
import { runRecorded } from "../../src/cli/testing.ts";
import { FIRST_ACCOUNT } from "../../src/domain/account.ts";
import { virtualClock } from "../../src/testing.ts";
import { type Rig, startRig } from "../rig.ts";
import { ADMIN_PASSWORD, login, type SignedIn, signedIn, signIn } from "./admin.ts";

/** Passwords are compared slowly, by design. */
setDefaultTimeout(30_000);

const codeAt = (secret: string, timestamp: number) => new TOTP({ secret }).generate({ timestamp });
const cookiesOf = (response: Response) =>
  response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0]!)
    .join("; ");

const post = (url: string, path: string, fields: Record<string, string>, cookie = "") =>
  fetch(`${url}${path}`, { method: "POST", redirect: "manual", headers: { origin: url, cookie }, body: new URLSearchParams(fields) });

/** Turns the second step on, with the code of the step before this one. Resolves with the secret and the recovery codes. */
async function enrol(me: SignedIn, now: number) {
  const page = await (await me.get("/admin/account/two-step")).text();
  const secret = /name="secret" value="([A-Z2-7]{32})"/.exec(page)![1]!;
  const response = await me.post("/admin/account/two-step", { secret, current: ADMIN_PASSWORD, code: codeAt(secret, now - 30_000) });
  const codes = [...(await response.text()).matchAll(/\b(?:[a-z2-7]{4}-){3}[a-z2-7]{4}\b/g)].map(([code]) => code);
  return { secret, codes, status: response.status };
}

/** The first step of a login. Resolves with the cookie of the second. */
async function firstStep({ url }: Rig): Promise<string> {
  const response = await post(url, "/admin/login", { username: "admin", password: ADMIN_PASSWORD, next: "/admin/keys" });
  expect([response.status, response.headers.get("location")]).toEqual([303, "/admin/login/code"]);
  return cookiesOf(response);
}

const tryCode = ({ url }: Rig, cookie: string, code: string) => post(url, "/admin/login/code", { code }, cookie);

/** The start of a time step, so that codes do not change within a test. */
const START = Math.floor(Date.UTC(2026, 10, 30, 12) / 30_000) * 30_000;

describe("enrolment", () => {
  test("needs the password and a right code; it ends other sessions, and shows ten recovery codes once", async () => {
    const clock = virtualClock(START);
    await using rig = await startRig({ clock });
    const me = await signIn(rig);
    const other = await signedIn(rig.url, await login(rig.url, ADMIN_PASSWORD));
    const page = await (await me.get("/admin/account/two-step")).text();
    const secret = /name="secret" value="([A-Z2-7]{32})"/.exec(page)![1]!;
    expect(page).toContain("<svg");
    const send = (fields: Record<string, string>) =>
      me.post("/admin/account/two-step", { form_page: "/admin/account/two-step", secret, ...fields });
    const wrong = [
      await send({ current: "not the password", code: codeAt(secret, START) }),
      await send({ current: ADMIN_PASSWORD, code: codeAt(secret, START - 120_000) }),
      await send({ current: ADMIN_PASSWORD, code: "" }),
    ];
    expect(wrong.map(({ status }) => status)).toEqual([422, 422, 422]);
    // The same secret again, so that the app need not be set up twice.
    expect(await wrong[1]!.text()).toContain(secret);
    expect((await rig.context.store.getAccount(FIRST_ACCOUNT))!.totpSecret).toBeNull();

    const done = await enrol(me, START);
    expect([done.status, done.codes.length]).toEqual([200, 10]);
    expect([(await other.get("/admin")).status, (await me.get("/admin")).status]).toEqual([303, 200]);
    const again = await (await me.get("/admin/account/two-step")).text();
    expect(again).not.toContain(done.secret);
    for (const code of done.codes) expect(again).not.toContain(code);
    const written = JSON.stringify([await rig.context.audit.list({ limit: 20 }), rig.logged]);
    for (const secretText of [done.secret, ...done.codes]) expect(written).not.toContain(secretText);
    expect(written).toContain("account.two_step_on");
  });
});

describe("signing in", () => {
  test("takes password and code, each code once, and goes where it was asked to", async () => {
    const clock = virtualClock(START);
    await using rig = await startRig({ clock });
    const { secret } = await enrol(await signIn(rig), START);
    const step = await firstStep(rig);
    // The step alone opens nothing, and is no session.
    expect((await fetch(`${rig.url}/admin`, { redirect: "manual", headers: { cookie: step } })).status).toBe(303);
    expect((await fetch(`${rig.url}/admin`, { redirect: "manual", headers: { cookie: step.replace("-step", "") } })).status).toBe(303);
    expect((await tryCode(rig, "", codeAt(secret, START))).status).toBe(401);
    expect((await tryCode(rig, step, "123456")).status).toBe(401);
    const done = await tryCode(rig, step, codeAt(secret, START));
    expect([done.status, done.headers.get("location")]).toEqual([303, "/admin/keys"]);
    const me = await signedIn(rig.url, cookiesOf(done).split("; ")[0]!);
    expect((await me.get("/admin")).status).toBe(200);
    // Replayed, with a fresh first step too.
    expect((await tryCode(rig, step, codeAt(secret, START))).status).toBe(401);
    expect((await tryCode(rig, await firstStep(rig), codeAt(secret, START))).status).toBe(401);
  });

  test("the code of enrolment does not count again", async () => {
    const clock = virtualClock(START);
    await using rig = await startRig({ clock });
    const { secret } = await enrol(await signIn(rig), START);
    expect((await tryCode(rig, await firstStep(rig), codeAt(secret, START - 30_000))).status).toBe(401);
  });

  test("by a recovery code works once, and says so in the audit log", async () => {
    const clock = virtualClock(START);
    await using rig = await startRig({ clock });
    const { codes } = await enrol(await signIn(rig), START);
    expect((await tryCode(rig, await firstStep(rig), codes[3]!)).status).toBe(303);
    expect((await tryCode(rig, await firstStep(rig), codes[3]!)).status).toBe(401);
    expect((await tryCode(rig, await firstStep(rig), codes[4]!.toUpperCase())).status).toBe(303);
    const [entry] = (await rig.context.audit.list({ limit: 9 })).filter(({ action }) => action === "session.open");
    expect(entry).toMatchObject({ actor: "admin", after: { way: "recovery" } });
    expect((await rig.context.store.getAccount(FIRST_ACCOUNT))!.recoveryHashes).toHaveLength(8);
  });

  test("waits after wrong codes, and a first step is over after ten minutes or with another password", async () => {
    const clock = virtualClock(START);
    await using rig = await startRig({ clock });
    const { secret } = await enrol(await signIn(rig), START);
    const step = await firstStep(rig);
    const statuses = [];
    for (let count = 0; count < 5; count++) statuses.push((await tryCode(rig, step, "000000")).status);
    expect(statuses).toEqual([401, 401, 401, 401, 429]);
    expect((await tryCode(rig, step, codeAt(secret, START))).status).toBe(429);
    await clock.advance(11 * 60_000);
    const late = await tryCode(rig, step, codeAt(secret, clock.now()));
    expect([late.status, await late.text()]).toEqual([401, expect.stringContaining("This took too long")]);
    const second = await firstStep(rig);
    await rig.context.store.updateAccount(FIRST_ACCOUNT, { passwordHash: "$argon2id$other" });
    expect((await tryCode(rig, second, codeAt(secret, clock.now()))).status).toBe(401);
  });

  test("`admin password` on the command line takes a lost phone back", async () => {
    const clock = virtualClock(START);
    await using rig = await startRig({ clock });
    const me = await signIn(rig);
    await enrol(me, START);
    const args = ["admin", "password", "--password", "-", "--data", rig.folder];
    const result = await runRecorded({ cwd: rig.folder, stdin: "a wholly new password\n" }, ...args);
    expect(result).toMatchObject({ code: 0, out: "The password of admin is set. Two-step sign-in is off.\n" });
    expect((await me.get("/admin")).status).toBe(303);
    const response = await post(rig.url, "/admin/login", { password: "a wholly new password" });
    expect([response.status, response.headers.get("location")]).toEqual([303, "/admin"]);
    const { adminTokens } = rig.context;
    await adminTokens.issue({ name: "ci", scope: "admin", expiresAt: null, accountId: FIRST_ACCOUNT }, { address: null });
    const again = (...more: string[]) => runRecorded({ cwd: rig.folder, stdin: "a wholly new password\n" }, ...args, ...more);
    expect((await again()).out).toContain("Admin tokens that go on working: 1 (--end-tokens ends them).");
    expect(await adminTokens.list()).toHaveLength(1);
    expect((await again("--end-tokens")).out).toContain("Admin tokens ended: 1.");
    expect(await adminTokens.list()).toEqual([]);
    expect((await rig.context.audit.list({ limit: 2 })).map(({ action }) => action)).toContain("admin_token.revoke");
    const nobody = await runRecorded({ cwd: rig.folder, stdin: "a wholly new password\n" }, ...args, "--name", "zoe");
    expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining("--name")]);
  });
});

test("new recovery codes and turning it off need the password", async () => {
  const clock = virtualClock(START);
  await using rig = await startRig({ clock });
  const me = await signIn(rig);
  const { codes } = await enrol(me, START);
  expect((await me.post("/admin/account/two-step/codes", { current: "wrong" })).status).toBe(422);
  const renewed = await (await me.post("/admin/account/two-step/codes", { current: ADMIN_PASSWORD })).text();
  expect(renewed).not.toContain(codes[0]!);
  expect((await tryCode(rig, await firstStep(rig), codes[0]!)).status).toBe(401);
  expect((await me.post("/admin/account/two-step/off", { current: "wrong" })).status).toBe(422);
  expect((await me.post("/admin/account/two-step/off", { current: ADMIN_PASSWORD })).status).toBe(303);
  expect((await post(rig.url, "/admin/login", { password: ADMIN_PASSWORD })).headers.get("location")).toBe("/admin");
});
