// Detects the kind of a secret (Gemini API key, Flow session, service account) by its form alone.

import { isServiceAccount, parseServiceAccount, serviceAccountSecret } from "../../domain/cloud-account.ts";
import { CLOUD } from "./cloud-account.ts";

export type Recognised = { provider: string; secret: string };
/** `reason` is for people and never quotes the text. */
export type Unrecognised = { reason: string };

export const PROVIDERS: readonly string[] = ["gemini", "flow", "vertex"];
/** Longest secret that is taken, as `token add` takes it. */
const MAX_LENGTH = 16_384;
/** Name of Flow's session cookie; a long value is spread over names that end in `.0`, `.1`, … */
const SESSION_COOKIE = /^(?:__Secure-|__Host-)?next-auth\.session-token(?:\.(\d{1,3}))?$/;
const SESSION_NAME = "next-auth.session-token";
/** What a cookie value is made of (RFC 6265). */
const COOKIE_VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/;
/** A secret of a form that is not known, where its provider is named: one word of letters, digits and few signs. */
const OPEN_FORM = /^[A-Za-z0-9][\w.~+/=-]{7,}$/;
/** What stands in a field for a secret and is none: a hash, a UUID, a placeholder, half a Gemini key, a model's name. */
const NOT_OPEN: readonly RegExp[] = [
  /^(?:[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:md5|sha\d{1,3})[-:].*)$/i,
  /^(?:x+|X+|0+|a+|\.+)$/,
  /^(?:your|my|insert|replace|put)[-_.].*(?:key|token|session|secret|cookie|here)/i,
  /^(?:change[-_]?me|placeholder|example|password|redacted|undefined|disabled|todo)/i,
  /^(?:AIza|(?:gemini|imagen|veo|gpt|claude)-)/,
];
/** A name as in environment files. */
const CONSTANT_NAME = /^[A-Z][A-Z0-9_]*$/;
/** `NAME=`, `export NAME=`, `set NAME=`, `$env:NAME =`, `name: `; lower-case names too. */
const ASSIGNMENT = /^(?:export |set |\$env:)? ?[A-Za-z_][\w.-]{0,99} ?[=:] ?/;

/** Things that people paste by mistake. */
const OTHERS: readonly [RegExp, string][] = [
  [/^ya29\./, "is an access token, which ends within the hour: give the session cookie"],
  [/^1\/\/0/, "is a refresh token, which is not used here"],
  [/^sk-f2a-/, "is a key that this program issued, not a token of an upstream"],
  [/^sk-/, "is a key of another vendor"],
  [/^g\.a0/, "is a cookie of the Google sign-in, which is not used here: give Flow's session cookie"],
  [/^[^\s@]{1,64}@[^\s@]{1,255}$/, "is an e-mail address alone"],
  [/^https?:\/\//i, "is an address, not a secret"],
];

/**
 * `provider` may not contradict the form.
 * @param isNamed true where the text stands in a field for a secret of `provider`: only there is a word of an open form taken
 */
export function detectSecret(text: string, provider?: string, { isNamed = false } = {}): Recognised | Unrecognised {
  const bare = unquote(text.trim());
  if (bare === "") return { reason: "is empty" };
  if (bare.length > MAX_LENGTH) return { reason: `is longer than ${MAX_LENGTH} characters` };
  const account = parseServiceAccount(bare);
  if (account) return isServiceAccount(account) ? sure({ provider: CLOUD, secret: serviceAccountSecret(account) }, provider) : account;
  if (namesSession(bare)) return sure(fromCookies(cookiesOf(bare)), provider);
  const assigned = assignedValue(bare);
  return recogniseBare(assigned === null ? bare : unquote(assigned), provider, isNamed);
}

function recogniseBare(bare: string, provider: string | undefined, isNamed: boolean): Recognised | Unrecognised {
  if (/[\s\p{Cc}]/u.test(bare)) return { reason: "has white space or control characters inside" };
  const known = knownForm(bare);
  // Keys of express mode look like those of the Gemini API: what the operator says decides.
  if (known?.provider === "gemini" && provider === CLOUD) return { provider, secret: known.secret };
  if (known) return sure(known, provider);
  const other = OTHERS.find(([form]) => form.test(bare));
  if (other) return { reason: other[1] };
  if (provider && isNamed && isOpenForm(bare)) return { provider, secret: bare };
  if (provider) return { reason: `is no ${nameOf(provider)}` };
  if (isSignedToken(bare)) return { reason: "is a signed token (JWT) of something else: give Flow's session cookie" };
  return {
    reason:
      "is neither a Gemini key (AIza…) nor a Flow session nor a service account (JSON); if it is one, name its provider beside it (a column provider)",
  };
}

const isOpenForm = (text: string): boolean =>
  OPEN_FORM.test(text) && /[a-z]/i.test(text) && !CONSTANT_NAME.test(text) && !NOT_OPEN.some((form) => form.test(text));

/** A secret whose form alone says what it is; null where it does not. */
export function knownForm(text: string): Recognised | null {
  if (text.length > MAX_LENGTH || PLACEHOLDER.test(text)) return null;
  const account = parseServiceAccount(text);
  if (account) return isServiceAccount(account) ? { provider: CLOUD, secret: serviceAccountSecret(account) } : null;
  if (/^AIza[\w-]{30,40}$/.test(text) || /^AQ\.[\w-]{20,}$/.test(text)) return { provider: "gemini", secret: text };
  if (/^eyJ[\w-]+(?:\.[\w-]*){2,4}$/.test(text) && !isSignedToken(text)) return { provider: "flow", secret: text };
  return null;
}

/** A key as instructions print it. */
const PLACEHOLDER = /^(?:AIza(?:Sy)?|AQ\.)[X-]+$/;

/** A JWS (RFC 7515): readable by anyone, where Flow's session is encrypted (RFC 7516) and says so in `enc`. */
function isSignedToken(text: string): boolean {
  const [head, , signature, ...more] = text.split(".");
  if (signature === undefined || more.length > 0 || head!.length > 2000) return false;
  try {
    const header: unknown = JSON.parse(Buffer.from(head!, "base64url").toString());
    return typeof header === "object" && header !== null && "alg" in header && !("enc" in header);
  } catch {
    return false;
  }
}

export const isDetected = (result: Recognised | Unrecognised): result is Recognised => "secret" in result;

const NAMES: Readonly<Record<string, string>> = {
  gemini: "Gemini key",
  flow: "Flow session",
  vertex: "service account of Google Cloud or key of Vertex AI",
};
const nameOf = (provider: string): string => NAMES[provider] ?? provider;

function sure(found: Recognised | Unrecognised, provider: string | undefined): Recognised | Unrecognised {
  if (!isDetected(found) || provider === undefined || found.provider === provider) return found;
  return { reason: `is a ${nameOf(found.provider)}, not a ${nameOf(provider)}` };
}

const QUOTES = ['"', "'", "`"];

/** Without the quotes around it, and without the comma that a list leaves after them. */
export function unquote(text: string): string {
  const body = text.endsWith(",") ? text.slice(0, -1) : text;
  const quote = body[0] ?? "";
  return body.length >= 2 && QUOTES.includes(quote) && body.endsWith(quote) ? body.slice(1, -1).trim() : text;
}

/** What stands after the name of an assignment, or null where `text` is none. The name of a cookie is none. */
export function assignedValue(text: string): string | null {
  const head = ASSIGNMENT.exec(text)?.[0];
  if (!head || namesSession(text) || text.startsWith("://", head.length - 1)) return null;
  return text.slice(head.length).trim() || null;
}

/** True where Flow's session cookie is named with a value. */
function namesSession(text: string): boolean {
  for (let at = text.indexOf(SESSION_NAME); at !== -1; at = text.indexOf(SESSION_NAME, at + 1)) {
    if (/^(?:\.\d{1,3})?=/.test(text.slice(at + SESSION_NAME.length, at + SESSION_NAME.length + 6))) return true;
  }
  return false;
}

export type Cookie = { name: string; value: string; domain?: string };

function cookiesOf(text: string): Cookie[] {
  return text
    .replace(/^cookie: ?/i, "")
    .split(";")
    .map((pair) => {
      const at = pair.indexOf("=");
      return { name: pair.slice(0, at).trim(), value: unquote(pair.slice(at + 1).trim()) };
    });
}

/** The session among the cookies of one browser; all others are dropped. */
export function fromCookies(cookies: readonly Cookie[]): Recognised | Unrecognised {
  // Other sites have sessions under the same name.
  const own = cookies.filter(({ domain }) => domain === undefined || domain === "" || /(?:^|\.)labs\.google$/.test(domain));
  const parts = own.flatMap((cookie) => {
    const match = SESSION_COOKIE.exec(cookie.name);
    return match ? [{ position: match[1] === undefined ? -1 : Number(match[1]), value: cookie.value }] : [];
  });
  const whole = parts.find(({ position }) => position === -1);
  const pieces = parts.filter(({ position }) => position >= 0).sort((a, b) => a.position - b.position);
  const secret = whole?.value ?? pieces.map(({ value }) => value).join("");
  if (!whole && pieces.some(({ position }, index) => position !== index)) return { reason: "lacks a part of the session cookie" };
  if (parts.length === 0) return { reason: "holds no session cookie of labs.google" };
  if (secret === "" || secret.length > MAX_LENGTH || !COOKIE_VALUE.test(secret))
    return { reason: "holds a session cookie that is damaged" };
  return { provider: "flow", secret };
}
