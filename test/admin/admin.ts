// A signed-in browser without a browser: cookie, origin and form token, for tests of the admin's pages.
import { createAdmin } from "../../src/admin/routes.ts";
import type { BodyReader } from "../../src/api/body/body.ts";
import { storePassword } from "../../src/gateway/auth/password.ts";
import type { Rig } from "../rig.ts";

export const ADMIN_PASSWORD = "correct horse battery";

export type SignedIn = {
  cookie: string;
  token: string;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** A plain form, with the token inside. A value that is a list comes as often. Not followed when it sends elsewhere. */
  post(path: string, fields?: Record<string, string | readonly string[]>, headers?: Record<string, string>): Promise<Response>;
  /** The same as htmx sends it: token in the header, answered by a fragment. */
  htmx(path: string, fields?: Record<string, string | readonly string[]>): Promise<Response>;
};

/** Sets the admin password of a rig and signs in with it. */
export async function signIn(rig: Rig): Promise<SignedIn> {
  await storePassword(rig.context.store, ADMIN_PASSWORD, false);
  const cookie = await login(rig.url, ADMIN_PASSWORD);
  return signedIn(rig.url, cookie);
}

/** The cookie of a login. @throws {Error} when it is refused */
export async function login(url: string, password: string, username?: string): Promise<string> {
  const response = await fetch(`${url}/admin/login`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: url },
    body: new URLSearchParams({ ...(username !== undefined && { username }), password }),
  });
  const cookie = response.headers.get("set-cookie")?.split(";")[0];
  if (!cookie) throw new Error(`The login was answered with ${response.status}.`);
  return cookie;
}

export async function signedIn(url: string, cookie: string): Promise<SignedIn> {
  const get: SignedIn["get"] = (path, headers = {}) => fetch(`${url}${path}`, { redirect: "manual", headers: { cookie, ...headers } });
  const html = await (await fetch(`${url}/admin/account`, { headers: { cookie } })).text();
  const token = /name="form_token" value="([^"]+)"/.exec(html)?.[1] ?? "";
  const send = (path: string, body: URLSearchParams, headers: Record<string, string>) =>
    fetch(`${url}${path}`, { method: "POST", redirect: "manual", headers: { cookie, origin: url, ...headers }, body });
  return {
    cookie,
    token,
    get,
    post: (path, fields = {}, headers = {}) => send(path, formBody({ form_token: token, ...fields }), headers),
    htmx: (path, fields = {}) => send(path, formBody(fields), { "x-csrf-token": token, "hx-request": "true" }),
  };
}

function formBody(fields: Record<string, string | readonly string[]>): URLSearchParams {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) for (const one of [value].flat()) body.append(name, one);
  return body;
}

/** Every route of the admin's pages, as the program has them. */
export async function adminRoutes({ context }: Rig): Promise<{ method: string; path: string }[]> {
  const nobody = new AbortController().signal;
  const admin = await createAdmin(context, {
    bodies: {} as BodyReader,
    refresh: async () => {},
    stopping: nobody,
    originOf: () => "http://localhost",
    isAllowed: () => true,
    proxyHint: () => null,
    apiDocument: async () => ({ paths: {} }),
  });
  return admin.routes.routes.map(({ method, path }) => ({ method, path }));
}
