// Signing in where others guess from the same address, and behind a proxy that nobody has named, over HTTP.
import { expect, test } from "bun:test";
import { hashPassword, storePassword } from "../../src/gateway/auth/password.ts";
import { virtualClock } from "../../src/testing.ts";
import { type Rig, startRig } from "../rig.ts";
import { ADMIN_PASSWORD, signIn } from "./admin.ts";

/** Guesses wait by the server's clock: it stands still, however long a password takes to be compared. */
const stillRig = () => startRig({ clock: virtualClock(Date.now()) });
const PATIENT_MS = 60_000;
const VIEWER_PASSWORD = "staple battery horse";

const tryLogin = (url: string, password: string, cookie = "", username = "admin") =>
  fetch(`${url}/admin/login`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: url, cookie },
    body: new URLSearchParams({ username, password }),
  });

const cookiesOf = (response: Response) => response.headers.getSetCookie().map((cookie) => cookie.split(";")[0]!);

test(
  "a browser that has signed in before is let in while its address is locked out by others",
  async () => {
    await using rig = await stillRig();
    await storePassword(rig.context.store, ADMIN_PASSWORD, false);
    const [session, device] = cookiesOf(await tryLogin(rig.url, ADMIN_PASSWORD));
    expect([session, device].map((cookie) => cookie?.split("=")[0])).toEqual(["flow2api", "flow2api-device"]);
    for (let count = 0; count < 5; count++) await tryLogin(rig.url, "guess");
    expect((await tryLogin(rig.url, ADMIN_PASSWORD)).status).toBe(429);
    const forged = `flow2api-device=${device!.split("=")[1]!.slice(0, -4)}AAAA`;
    expect((await tryLogin(rig.url, ADMIN_PASSWORD, forged)).status).toBe(429);
    // A session is no device: whoever is given one cannot make the other of it.
    expect((await tryLogin(rig.url, ADMIN_PASSWORD, `flow2api-device=${session!.split("=")[1]}`)).status).toBe(429);
    const response = await tryLogin(rig.url, ADMIN_PASSWORD, device);
    expect(response.status).toBe(303);
    for (let count = 0; count < 4; count++) expect((await tryLogin(rig.url, "guess", device)).status).toBe(401);
    expect((await tryLogin(rig.url, ADMIN_PASSWORD, device)).status).toBe(429);
  },
  PATIENT_MS,
);

/** A viewer beside the admin, each with a password. */
async function withViewer({ context: { store, clock } }: Rig): Promise<void> {
  await storePassword(store, ADMIN_PASSWORD, false);
  const row = { source: "password", subject: "vic", name: "vic", role: "viewer", passwordTemporary: false } as const;
  await store.insertAccount({ ...row, passwordHash: await hashPassword(VIEWER_PASSWORD) }, clock.now());
}

test(
  "who signs in as somebody else between guesses has no more tries, nor has the browser that this made known",
  async () => {
    await using rig = await stillRig();
    await withViewer(rig);
    for (let count = 0; count < 3; count++) expect((await tryLogin(rig.url, "guess")).status).toBe(401);
    const signedIn = await tryLogin(rig.url, VIEWER_PASSWORD, "", "vic");
    expect(signedIn.status).toBe(303);
    expect((await tryLogin(rig.url, "guess")).status).toBe(401);
    expect((await tryLogin(rig.url, "guess")).status).toBe(429);
    const device = cookiesOf(signedIn)[1]!;
    expect(device).toStartWith("flow2api-device=");
    expect((await tryLogin(rig.url, ADMIN_PASSWORD, device)).status).toBe(429);
    expect((await tryLogin(rig.url, VIEWER_PASSWORD, device, "vic")).status).toBe(303);
  },
  PATIENT_MS,
);

test(
  "a browser of two people is known for both",
  async () => {
    await using rig = await stillRig();
    await withViewer(rig);
    const first = cookiesOf(await tryLogin(rig.url, ADMIN_PASSWORD))[1]!;
    const both = cookiesOf(await tryLogin(rig.url, VIEWER_PASSWORD, first, "vic"))[1]!;
    for (let count = 0; count < 4; count++) await tryLogin(rig.url, "guess");
    expect((await tryLogin(rig.url, ADMIN_PASSWORD)).status).toBe(429);
    expect((await tryLogin(rig.url, ADMIN_PASSWORD, both)).status).toBe(303);
    expect((await tryLogin(rig.url, VIEWER_PASSWORD, both, "vic")).status).toBe(303);
  },
  PATIENT_MS,
);

test(
  "a signed-in operator changes the password while others guess",
  async () => {
    await using rig = await stillRig();
    const me = await signIn(rig);
    for (let count = 0; count < 5; count++) await tryLogin(rig.url, "guess");
    const next = "another correct horse battery";
    const response = await me.post("/admin/account/password", { current: ADMIN_PASSWORD, password: next, again: next });
    expect([response.status, response.headers.get("location")]).toEqual([303, "/admin/account"]);
  },
  PATIENT_MS,
);

test("a proxy that no setting names is reported in the log and on the System page, with the setting", async () => {
  await using rig = await startRig();
  const me = await signIn(rig);
  const headers = { "x-forwarded-for": "203.0.113.9" };
  expect(await (await me.get("/admin/system", headers)).text()).not.toContain("trust_proxy");
  for (let count = 0; count < 12; count++) await rig.call("/v1/models", { headers });
  const html = await (await me.get("/admin/system", headers)).text();
  expect(html).toContain("Reverse proxy");
  expect(html).toContain("server.trust_proxy = [&quot;127.0.0.1&quot;]");
  expect(rig.logged.filter((line) => line.includes("server.trust_proxy"))).toHaveLength(1);
  await rig.call("/v1/models");
  expect(await (await me.get("/admin/system")).text()).not.toContain("trust_proxy");
});
