// Access tokens of service accounts: minted once for all who wait, cached for their hour, renewed when one is refused.
// Source: "Using OAuth 2.0 for server to server applications" of developers.google.com, RFC 7523; read 2026-11-29.
import { isServiceAccount, parseServiceAccount, type ServiceAccount } from "../../domain/cloud-account.ts";
import { AppError } from "../../errors.ts";
import { readBody, send } from "../../http.ts";
import { VERSION } from "../../version.ts";
import { excerpt } from "../gemini/errors.ts";
import type { Caller } from "../gemini/transport.ts";
import { isRecord, stringOf } from "../json-value.ts";
import type { ProviderToken } from "../provider.ts";
import { createSingleFlight } from "../single-flight.ts";

/** What an assertion is for, wherever it is sent: a proxy before Google's endpoint does not change it. */
const AUDIENCE = "https://oauth2.googleapis.com/token";
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const LIFE_SECONDS = 3600;
/** Renewal comes this long before the end, or a tenth of the life before it when life is short. */
const MARGIN_MS = 5 * 60_000;
const MINT_LIMIT_MS = 15_000;
const MAX_ANSWER = 64 * 1024;
/** Ended at this age, a mint says that the clock differs. */
const CLOCK_WORDS = "reasonable timeframe";

export type Access = { accessToken: string /** Epoch ms. */; renewAt: number };

/** What a secret is: an account that signs for access tokens, or a key of express mode. */
export type Secret = { account: ServiceAccount } | { key: string };

type Entry = { secret: string; read: Secret; access: Access | null };

type Options = { tokenUrl: string; now: () => number };

export class AccessTokens {
  readonly #entries = new Map<number, Entry>();
  readonly #share = createSingleFlight<Entry, Access>();

  constructor(private readonly options: Options) {}

  /** What the token's secret is. @throws {AppError} `upstream_unauthorized` */
  secretOf(token: ProviderToken): Secret {
    return this.#entryOf(token).read;
  }

  /** An access token that is good for a while. @throws {AppError} as `#mint` */
  current(caller: Caller): Access | Promise<Access> {
    const entry = this.#entryOf(caller.token);
    return entry.access && this.options.now() < entry.access.renewAt ? entry.access : this.#renew(entry, caller);
  }

  /** Replaces a refused access token, unless another call has done so already. @throws {AppError} as `#mint` */
  async replace(caller: Caller, refused: string): Promise<Access> {
    const entry = this.#entryOf(caller.token);
    return entry.access && entry.access.accessToken !== refused ? entry.access : this.#renew(entry, caller);
  }

  /** The access token has ended before its time: the next call mints. */
  forget(token: ProviderToken): void {
    this.#entryOf(token).access = null;
  }

  #entryOf(token: ProviderToken): Entry {
    const known = this.#entries.get(token.id);
    if (known && known.secret === token.secret) return known;
    const read = readSecret(token.secret);
    const entry = { secret: token.secret, read, access: rememberedAccess(token) };
    this.#entries.set(token.id, entry);
    return entry;
  }

  #renew(entry: Entry, caller: Caller): Promise<Access> {
    return this.#share(entry, () => this.#mint(entry, caller), caller.signal);
  }

  /** @throws {AppError} `upstream_unauthorized` for an account that Google refuses, `network`, `upstream_unavailable` */
  async #mint(entry: Entry, { token, remember }: Caller): Promise<Access> {
    if (!("account" in entry.read)) throw new Error("a key of express mode needs no access token");
    const { now } = this.options;
    const assertion = await sign(entry.read.account, now());
    // Nobody's leaving stops it: others wait for it.
    const signal = AbortSignal.timeout(MINT_LIMIT_MS);
    const { status, body } = await this.#post(assertion, token, signal);
    const accessToken = isRecord(body) ? stringOf(body.access_token) : undefined;
    if (status !== 200 || !accessToken || !/^[\x21-\x7e]+$/.test(accessToken)) throw refusalOf(status, body);
    const seconds = isRecord(body) && typeof body.expires_in === "number" && body.expires_in > 0 ? body.expires_in : LIFE_SECONDS;
    const lifeMs = seconds * 1000;
    entry.access = { accessToken, renewAt: Math.floor(now() + lifeMs - Math.min(MARGIN_MS, lifeMs / 10)) };
    await remember?.({ state: { access: { ...entry.access, of: markOf(entry.secret) } } });
    return entry.access;
  }

  /** @throws {AppError} `network` for every way of getting no response: nothing is at stake */
  async #post(assertion: string, token: ProviderToken, signal: AbortSignal): Promise<{ status: number; body: unknown }> {
    try {
      const response = await send({
        method: "POST",
        url: this.options.tokenUrl,
        headers: {
          accept: "application/json",
          "user-agent": `flow2api/${VERSION}`,
          "content-type": "application/x-www-form-urlencoded;charset=UTF-8",
        },
        body: new URLSearchParams({ grant_type: GRANT_TYPE, assertion }).toString(),
        proxy: token.proxy,
        signal,
      });
      return { status: response.status, body: parsed(await readBody(response, MAX_ANSWER, signal)) };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      throw new AppError("network", "Google's token endpoint did not answer.", { cause: error });
    }
  }
}

/** @throws {AppError} `upstream_unauthorized` */
function readSecret(secret: string): Secret {
  const account = parseServiceAccount(secret);
  if (isServiceAccount(account)) return { account };
  if (account) throw invalid(`This token ${account.reason}.`);
  if (/^[\x21-\x7e]+$/.test(secret) && !secret.startsWith("{")) return { key: secret };
  throw invalid("This token is neither the JSON key of a service account nor a key of Vertex AI in express mode.");
}

async function sign({ email, privateKey }: ServiceAccount, now: number): Promise<string> {
  // Loaded by the first service account.
  const { importPKCS8, SignJWT } = await import("jose");
  const key = await importPKCS8(privateKey, "RS256").catch((cause) => {
    throw invalid("The private key of this service account cannot be read.", cause);
  });
  const issuedAt = Math.floor(now / 1000);
  return new SignJWT({ scope: SCOPE })
    .setProtectedHeader({ alg: "RS256" })
    .setIssuer(email)
    .setAudience(AUDIENCE)
    .setExpirationTime(issuedAt + LIFE_SECONDS)
    .setIssuedAt(issuedAt)
    .sign(key);
}

function refusalOf(status: number, body: unknown): AppError {
  const reported = isRecord(body) ? (stringOf(body.error_description) ?? "") : "";
  const options = { upstreamStatus: status };
  if (reported.includes(CLOCK_WORDS))
    return new AppError(
      "upstream_unavailable",
      "Google refuses what this server signed because of its time: set the server's clock.",
      options,
    );
  if (status === 200 || status === 429 || status >= 500 || !isRecord(body) || stringOf(body.error) === undefined)
    return new AppError("upstream_unavailable", `Google's token endpoint failed (HTTP ${status}).`, {
      ...options,
      detail: { scope: "upstream", reason: "internal" },
    });
  return new AppError("upstream_unauthorized", `Google does not accept this service account${reported ? `: ${excerpt(reported)}` : "."}`, {
    ...options,
    detail: { scope: "token", reason: "key_invalid" },
  });
}

const invalid = (message: string, cause?: unknown): AppError =>
  new AppError("upstream_unauthorized", message, { cause, detail: { scope: "token", reason: "key_invalid" } });

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return null;
  }
}

/** Ties what is remembered to the key it came from, so that a replaced key does not inherit another account's access. */
const markOf = (secret: string): string => new Bun.CryptoHasher("sha256").update(secret).digest("hex").slice(0, 16);

function rememberedAccess({ state, secret }: ProviderToken): Access | null {
  const { access } = state;
  if (!isRecord(access) || access.of !== markOf(secret)) return null;
  const accessToken = stringOf(access.accessToken);
  return accessToken && typeof access.renewAt === "number" ? { accessToken, renewAt: access.renewAt } : null;
}
