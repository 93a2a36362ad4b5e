// What a stranger may send to the admin's pages: small forms of one kind, and nothing of the rest is read or stored.
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/clock.ts";
import { storePassword } from "../../src/gateway/auth/password.ts";
import { ADMIN_PASSWORD, signIn } from "../admin/admin.ts";
import { type Rig, startRig } from "../rig.ts";

const PATHS = ["/admin/login", "/admin/preferences"];
const KIB = 1024;
const URL_ENCODED = "application/x-www-form-urlencoded";

const post = (rig: Rig, path: string, body: BodyInit, type: string | null = URL_ENCODED, headers: Record<string, string> = {}) =>
  fetch(`${rig.url}${path}`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: rig.url, ...(type === null ? {} : { "content-type": type }), ...headers },
    body,
  });

const held = async (rig: Rig) => Number(/^flow2api_request_body_bytes (\d+)/m.exec(await (await fetch(`${rig.url}/metrics`)).text())?.[1]);
const chunked = (text: string) => new Blob([text]).stream();

/** Names of files that were begun to be stored. */
const stored = (rig: Rig) =>
  readdirSync(join(rig.folder, "media"), { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []));

test.each(PATHS)("%s takes a form of a few KiB and a few fields, url-encoded", async (path) => {
  await using rig = await startRig();
  const status = async (body: BodyInit, type?: string | null) => (await post(rig, path, body, type)).status;
  expect(await status("theme=dark&password=wrong")).not.toBeOneOf([413, 415]);
  expect(await status("theme=dark", `${URL_ENCODED}; charset=UTF-8`)).not.toBeOneOf([413, 415]);
  expect(await status(`password=${"x".repeat(8 * KIB)}`)).toBe(413);
  expect(await status(chunked(`password=${"x".repeat(9 * KIB)}`))).toBe(413);
  expect(await status("a&".repeat(4 * KIB - 1))).toBe(413);
  expect(await status("a&".repeat(500_000))).toBe(413);
  for (const type of ["multipart/form-data; boundary=x", "MULTIPART/FORM-DATA; boundary=x", "application/json", "text/plain", ""])
    expect([type, await status('--x\r\ncontent-disposition: form-data; name="a"; filename="b"\r\n\r\nabc\r\n--x--\r\n', type)]).toEqual([
      type,
      415,
    ]);
  expect([await held(rig), stored(rig)]).toEqual([0, []]);
});

test("a stranger's form is refused before its body has come", async () => {
  // Time stands: the wait after a few guesses is as short as a slow comparison takes.
  const start = Date.now();
  await using rig = await startRig({ clock: { now: () => start, after: systemClock.after } });
  await storePassword(rig.context.store, ADMIN_PASSWORD, false);
  const head = async (path: string, more: string) => {
    const { hostname, port } = new URL(rig.url);
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: (open) => void open.write(`POST ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\norigin: ${rig.url}\r\n${more}\r\n\r\n`),
        data: (_, data) => resolve(data.toString().slice(9, 12)),
      },
    });
    const status = await promise;
    socket.end();
    return status;
  };
  expect(await head("/admin/login", "content-type: multipart/form-data; boundary=x\r\ncontent-length: 90000000")).toBe("415");
  expect(await head("/admin/login", `content-type: ${URL_ENCODED}\r\ncontent-length: 90000000`)).toBe("413");
  expect(await head("/admin/account/password", `content-type: ${URL_ENCODED}\r\ncontent-length: 90000000`)).toBe("401");
  // Who guessed too often waits for the account that the form names, whatever it says: nothing is compared.
  for (let guess = 0; guess < 4; guess++) await post(rig, "/admin/login", "password=wrong");
  expect((await post(rig, "/admin/login", `password=${encodeURIComponent(ADMIN_PASSWORD)}`)).status).toBe(429);
  expect(await held(rig)).toBe(0);
});

test("the operator's forms may be large, and count until they are answered", async () => {
  await using rig = await startRig({ settings: { "server.bodies_in_flight_mb": 16 } });
  const admin = await signIn(rig);
  const send = (text: string) =>
    post(rig, "/admin/tokens/import", text, URL_ENCODED, { cookie: admin.cookie, "x-csrf-token": admin.token });
  expect((await send(`text=${"x".repeat(1024 * KIB)}`)).status).not.toBeOneOf([413, 415, 500]);
  expect((await send(`text=${"x".repeat(17 * 1024 * KIB)}`)).status).toBe(503);
  expect((await send("a&".repeat(20_001))).status).toBe(413);
  expect(await held(rig)).toBe(0);
});
