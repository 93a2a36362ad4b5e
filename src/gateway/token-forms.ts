// What a piece of text is: a Gemini API key, a Flow session, or none of them and why. Texts are judged by form alone, never asked about.

export type Recognised = { provider: string; secret: string };
/** `reason` is for people and never quotes the text. */
export type Unrecognised = { reason: string };

export const PROVIDERS: readonly string[] = ["gemini", "flow"];
/** Longest secret that is taken, as `token add` takes it. */
const MAX_LENGTH = 16_384;
/** Name of Flow's session cookie; a long value is spread over names that end in `.0`, `.1`, … */
const SESSION_COOKIE = /^(__Secure-|__Host-)?next-auth\.session-token(\.(\d+))?$/;
const SESSION_IN_TEXT = /(^|[\s;"'])(__Secure-|__Host-)?next-auth\.session-token(\.\d+)?=/;
/** What a cookie value is made of (RFC 6265). */
const COOKIE_VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/;
/** Shorter ones could be anything. */
const LONG_COOKIE = 100;

/** Things that people paste by mistake. */
const OTHERS: readonly [RegExp, string][] = [
  [/^ya29\./, "is an access token, which ends within the hour: give the session cookie"],
  [/^1\/\/0/, "is a refresh token, which is not used here"],
  [/^sk-f2a-/, "is a key that this program issued, not a token of an upstream"],
  [/^sk-/, "is a key of another vendor"],
  [/^g\.a0/, "is a cookie of the Google sign-in, which is not used here: give Flow's session cookie"],
  [/^[^\s@]+@[^\s@]+\.[a-z]+$/i, "is an e-mail address alone"],
];

/** `provider` decides where the form leaves it open, and may not contradict it. */
export function recognise(text: string, provider?: string): Recognised | Unrecognised {
  const bare = unquote(text.trim());
  if (bare === "") return { reason: "is empty" };
  if (bare.length > MAX_LENGTH) return { reason: `is longer than ${MAX_LENGTH} characters` };
  if (SESSION_IN_TEXT.test(bare)) return sure(fromCookies(cookiesOf(bare)), provider);
  const assigned = /^(?:export\s+)?[A-Z][A-Z0-9_]*\s*[=:]\s*(\S.*)$/.exec(bare)?.[1];
  if (assigned) return recognise(assigned, provider);
  if (/[\s\p{Cc}]/u.test(bare)) return { reason: "has white space or control characters inside" };
  if (/^AIza[\w-]{20,60}$/.test(bare) || /^AQ\.[\w-]{20,}$/.test(bare)) return sure({ provider: "gemini", secret: bare }, provider);
  if (/^eyJ[\w-]+(\.[\w-]*){2,4}$/.test(bare)) return sure({ provider: "flow", secret: bare }, provider);
  const other = OTHERS.find(([form]) => form.test(bare));
  if (other) return { reason: other[1] };
  if (provider === "gemini" && /^[\x21-\x7e]{8,}$/.test(bare)) return { provider, secret: bare };
  if (provider === "flow" && bare.length >= 8 && COOKIE_VALUE.test(bare)) return { provider, secret: bare };
  if (provider) return { reason: `is no ${nameOf(provider)}` };
  if (bare.length >= LONG_COOKIE && COOKIE_VALUE.test(bare)) return { provider: "flow", secret: bare };
  return { reason: "is neither a Gemini key (AIza…) nor a Flow session; if it is one, say which (--provider, or a column provider)" };
}

export const isRecognised = (result: Recognised | Unrecognised): result is Recognised => "secret" in result;

const nameOf = (provider: string): string => (provider === "gemini" ? "Gemini key" : "Flow session");

function sure(found: Recognised | Unrecognised, provider: string | undefined): Recognised | Unrecognised {
  if (!isRecognised(found) || provider === undefined || found.provider === provider) return found;
  return { reason: `is a ${nameOf(found.provider)}, not a ${nameOf(provider)}` };
}

export function unquote(text: string): string {
  const quote = text.charAt(0);
  if (quote === "" || !"\"'`".includes(quote)) return text;
  const end = text.length - (text.endsWith(",") ? 2 : 1);
  return end > 0 && text[end] === quote ? text.slice(1, end).trim() : text;
}

export type Cookie = { name: string; value: string; domain?: string };

function cookiesOf(text: string): Cookie[] {
  return text
    .replace(/^cookie:\s*/i, "")
    .split(";")
    .map((pair) => {
      const at = pair.indexOf("=");
      return { name: pair.slice(0, at).trim(), value: unquote(pair.slice(at + 1).trim()) };
    });
}

/** The session among the cookies of one browser; all others are dropped. */
export function fromCookies(cookies: readonly Cookie[]): Recognised | Unrecognised {
  // Other sites have sessions under the same name.
  const own = cookies.filter(({ domain }) => domain === undefined || domain === "" || /(^|\.)labs\.google$/.test(domain));
  const parts = own.flatMap((cookie) => {
    const match = SESSION_COOKIE.exec(cookie.name);
    return match ? [{ position: match[3] === undefined ? -1 : Number(match[3]), value: cookie.value }] : [];
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
