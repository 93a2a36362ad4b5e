// Session cookie of the admin: a signed JWT with the session id only.
import { jwt } from "@elysiajs/jwt";
import { IDLE_MS } from "../../gateway/auth/sessions.ts";
import { newId } from "../../ids.ts";

/** Age at which a cookie is written again, so that it never ends before the session does. */
const RENEW_MS = 3_600_000;

export type SessionCookie = {
  /** `Set-Cookie` for a session's id. Over https the name binds it to this host and to https. */
  write(id: string, secure: boolean): Promise<string>;
  /** `Set-Cookie` that removes it. */
  clear(secure: boolean): string;
  /** `Set-Cookie` that knows this browser again after its session, for an account and those that it was known for. */
  writeDevice(headers: Headers, account: string, secure: boolean): Promise<string>;
  /** The browser's id; null when it has never signed in with the account. */
  readDevice(headers: Headers, account: string, secure: boolean): Promise<string | null>;
  /** `Set-Cookie` of a sign-in that waits for its next step, for at most ten minutes. `content` is signed, not secret. */
  writeStep(step: Step, content: Record<string, string | number>, secure: boolean): Promise<string>;
  /** What {@link writeStep} wrote for this step; null: nothing, or its time is over. */
  readStep(step: Step, headers: Headers, secure: boolean): Promise<Record<string, unknown> | null>;
  clearStep(secure: boolean): string;
  /** The id that a request carries, and whether its cookie should be written again; null when it is not ours or too old. */
  read(headers: Headers, secure: boolean): Promise<{ id: string; isAging: boolean } | null>;
};

/** The code of the second step, or the way back from an OpenID provider. */
export type Step = "code" | "oidc";

const nameOf = (secure: boolean) => (secure ? "__Host-flow2api" : "flow2api");
const deviceNameOf = (secure: boolean) => `${nameOf(secure)}-device`;
const stepNameOf = (secure: boolean) => `${nameOf(secure)}-step`;
const STEP_S = 600;
/** Lax: browsers send no strict cookie with the way back from another site. */
const stepFlagsOf = (secure: boolean) => flagsOf(secure).replace("Strict", "Lax");
const DEVICE_S = 365 * 86_400;
/** People of one browser; the latest are known. */
const MAX_ACCOUNTS = 10;
/** The cookie can be read by whoever has the browser: it names no account. */
const accountMark = (device: string, account: string) =>
  new Bun.CryptoHasher("sha256").update(`${device} ${account}`).digest("base64url").slice(0, 16);
const flagsOf = (secure: boolean) => `Path=/; HttpOnly; SameSite=Strict${secure ? "; Secure" : ""}`;

/** @param secret 32 bytes */
export function createSessionCookie({ secret, now }: { secret: Uint8Array; now: () => number }): SessionCookie {
  const { sign, verify } = jwt({ name: "jwt", secret }).decorator.jwt;
  const deviceOf = async (headers: Headers, secure: boolean) => {
    const token = readCookie(headers, deviceNameOf(secure));
    const content = token && (await verify(token, { currentDate: new Date(now()), algorithms: ["HS256"] }));
    if (!content || typeof content.device !== "string" || typeof content.accounts !== "string") return null;
    return { device: content.device, accounts: content.accounts.split(" ") };
  };
  return {
    async write(id, secure) {
      const seconds = Math.floor(now() / 1000);
      const token = await sign({ sid: id, at: seconds, iat: false, exp: seconds + IDLE_MS / 1000 });
      return `${nameOf(secure)}=${token}; Max-Age=${IDLE_MS / 1000}; ${flagsOf(secure)}`;
    },
    async writeDevice(headers, account, secure) {
      const { device, accounts } = (await deviceOf(headers, secure)) ?? { device: newId(), accounts: [] };
      const mark = accountMark(device, account);
      const marks = [mark, ...accounts.filter((one) => one !== mark)].slice(0, MAX_ACCOUNTS);
      const token = await sign({ device, accounts: marks.join(" "), iat: false, exp: Math.floor(now() / 1000) + DEVICE_S });
      return `${deviceNameOf(secure)}=${token}; Max-Age=${DEVICE_S}; ${flagsOf(secure)}`;
    },
    async readDevice(headers, account, secure) {
      const known = await deviceOf(headers, secure);
      return known?.accounts.includes(accountMark(known.device, account)) ? known.device : null;
    },
    async writeStep(step, content, secure) {
      const token = await sign({ ...content, step, iat: false, exp: Math.floor(now() / 1000) + STEP_S });
      return `${stepNameOf(secure)}=${token}; Max-Age=${STEP_S}; ${stepFlagsOf(secure)}`;
    },
    async readStep(step, headers, secure) {
      const token = readCookie(headers, stepNameOf(secure));
      const content = token && (await verify(token, { currentDate: new Date(now()), algorithms: ["HS256"] }));
      return content && content.step === step ? content : null;
    },
    clearStep: (secure) => `${stepNameOf(secure)}=; Max-Age=0; ${stepFlagsOf(secure)}`,
    clear: (secure) => `${nameOf(secure)}=; Max-Age=0; ${flagsOf(secure)}`,
    async read(headers, secure) {
      const token = readCookie(headers, nameOf(secure));
      const content = token && (await verify(token, { currentDate: new Date(now()), algorithms: ["HS256"] }));
      if (!content || typeof content.sid !== "string" || typeof content.at !== "number") return null;
      return { id: content.sid, isAging: now() - content.at * 1000 > RENEW_MS };
    },
  };
}

/** The value of one cookie, or null. */
export function readCookie(headers: Headers, name: string): string | null {
  for (const part of (headers.get("cookie") ?? "").split(";")) {
    const split = part.indexOf("=");
    if (split > 0 && part.slice(0, split).trim() === name) return part.slice(split + 1).trim();
  }
  return null;
}
