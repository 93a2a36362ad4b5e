// Session cookie to access token: cached, remembered, renewed once for all who wait, rotated cookies stored.
import { AppError } from "../../errors.ts";
import { damaged } from "../json-stream.ts";
import type { CallContext, ProviderToken } from "../provider.ts";
import { createSingleFlight } from "../single-flight.ts";
import { parseSession, rotatedSecret } from "./convert.ts";
import { classifyRefusal } from "./errors.ts";
import { at, textAt } from "./json.ts";
import type { FlowOptions, Transport } from "./transport.ts";

export type Session = {
  /** The newest value of the session cookie; it may be newer than the token's secret. */
  cookie: string;
  accessToken: string;
  /** Epoch ms at which the access token is renewed; its end less a margin. */
  renewAt: number;
  /** False when Flow did not report the end and `renewAt` is our own caution. */
  endTold: boolean;
  /** E-mail address of the account, when reported. */
  identity?: string;
};

/** Renewal comes this long before the end, or a tenth of the life before it when life is short. */
const MARGIN_MS = 10 * 60_000;
/** Life of an access token whose end was not reported. */
const ASSUMED_LIFE_MS = 60 * 60_000;
const EXCHANGE_LIMIT_MS = 15_000;
/** Calls that began before a rotation still carry the former cookie. */
const FORMER_COOKIES = 4;

type Known = { session: Session | null; cookie: string; former: string[] };

/** Sessions by token id. Holds cookies and access tokens in memory only; what survives a restart goes through `call.remember`. */
export class Sessions {
  private readonly known = new Map<number, Known>();
  private readonly share = createSingleFlight<Known, Session>();
  private readonly now: () => number;

  constructor(
    private readonly transport: Transport,
    options: Pick<FlowOptions, "now">,
  ) {
    this.now = options.now;
  }

  /** What is known of the token, begun again when its secret was replaced from outside. */
  private recall(token: ProviderToken): Known {
    const found = this.known.get(token.id);
    if (found && (found.cookie === token.secret || found.former.includes(token.secret))) return found;
    const fresh = { session: rememberedSession(token), cookie: token.secret, former: [] };
    this.known.set(token.id, fresh);
    return fresh;
  }

  /** Where nodes share the token, one of them exchanges: the others find what it stored. */
  private exchange(token: ProviderToken, call: CallContext, entry: Known): Promise<Session> {
    if (!call.exclusively) return this.ask(token, call, entry);
    const refused = entry.session?.accessToken;
    return call.exclusively(async ({ secret, state }) => {
      const found = rememberedSession({ ...token, secret, state });
      if (secret !== entry.cookie) {
        entry.former = [entry.cookie, ...entry.former].slice(0, FORMER_COOKIES);
        entry.cookie = secret;
      }
      if (found && found.accessToken !== refused && this.now() < found.renewAt) {
        entry.session = found;
        return found;
      }
      return this.ask(token, call, entry);
    });
  }

  private async ask(token: ProviderToken, call: CallContext, entry: Known): Promise<Session> {
    if (!/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/.test(entry.cookie)) throw deadSession();
    const { body, headers } = await this.transport.ask({
      operation: "session",
      path: "auth/session",
      auth: { cookie: entry.cookie },
      proxy: token.proxy,
      // Nobody's leaving stops it: others wait for it, and a cookie that Flow rotated must not be lost on the way.
      signal: new AbortController().signal,
      limitMs: EXCHANGE_LIMIT_MS,
    });
    const parsed = parseSession(body);
    if (parsed === "malformed") throw damaged("malformed", "Flow's answer is not a session.");
    if (parsed === "dead") throw deadSession();

    const rotated = rotatedSecret(headers.getSetCookie());
    if (rotated && rotated !== entry.cookie) {
      entry.former = [entry.cookie, ...entry.former].slice(0, FORMER_COOKIES);
      entry.cookie = rotated;
    }
    const identity = parsed.email ?? entry.session?.identity;
    const lifeMs = parsed.expiresAt === undefined ? ASSUMED_LIFE_MS : parsed.expiresAt - this.now();
    entry.session = {
      cookie: entry.cookie,
      accessToken: parsed.accessToken,
      renewAt: Math.floor(this.now() + lifeMs - Math.min(MARGIN_MS, Math.abs(lifeMs) / 10)),
      endTold: parsed.expiresAt !== undefined,
      ...(identity ? { identity } : {}),
    };
    await call.remember({ state: stateOf(entry.session), ...(entry.cookie === token.secret ? {} : { secret: entry.cookie }) });
    return entry.session;
  }

  /**
   * A newly exchanged session; with `refused`, the one that has already replaced that access token when there is one.
   * @throws {AppError} `upstream_unauthorized` with reason `session_dead`, `network`, `upstream_unavailable`, `upstream_rate_limited`
   */
  renew(token: ProviderToken, call: CallContext, refused?: string): Promise<Session> {
    const entry = this.recall(token);
    if (refused !== undefined && entry.session && entry.session.accessToken !== refused) return Promise.resolve(entry.session);
    const run = async () => {
      try {
        return await this.exchange(token, call, entry);
      } catch (error) {
        // What the operator gives the token next counts, even when it is a cookie seen before.
        if (error instanceof AppError && error.detail?.reason === "session_dead" && this.known.get(token.id) === entry)
          this.known.delete(token.id);
        throw error;
      }
    };
    return this.share(entry, run, call.signal);
  }

  /** A session whose access token is good for a while. @throws {AppError} as `renew` */
  async current(token: ProviderToken, call: CallContext): Promise<Session> {
    const { session } = this.recall(token);
    return session && this.now() < session.renewAt ? session : this.renew(token, call);
  }

  /**
   * Runs `attempt` with a session, and once more with a renewed one when it was refused with 401: a refusal costs nothing.
   * @throws {AppError} as `renew` and `attempt`
   */
  async use<Result>(token: ProviderToken, call: CallContext, attempt: (session: Session) => Promise<Result>): Promise<Result> {
    const session = await this.current(token, call);
    try {
      return await attempt(session);
    } catch (error) {
      if (!(error instanceof AppError) || error.detail?.reason !== "session_dead") throw error;
      return attempt(await this.renew(token, call, session.accessToken));
    }
  }
}

function deadSession(): AppError {
  return classifyRefusal("session", { status: 401, body: undefined }, 0);
}

/** Ties what is remembered to the cookie it came from, so that a replaced cookie does not inherit another account's access token. */
function markOf(cookie: string): string {
  return new Bun.CryptoHasher("sha256").update(cookie).digest("hex").slice(0, 16);
}

function stateOf(session: Session): Record<string, unknown> {
  const { cookie, ...rest } = session;
  return { session: { ...rest, of: markOf(cookie) } };
}

function rememberedSession(token: ProviderToken): Session | null {
  const { session } = token.state;
  const accessToken = textAt(session, "accessToken");
  const renewAt = at(session, "renewAt");
  const identity = textAt(session, "identity");
  if (!accessToken || typeof renewAt !== "number" || at(session, "of") !== markOf(token.secret)) return null;
  return { cookie: token.secret, accessToken, renewAt, endTold: at(session, "endTold") === true, ...(identity ? { identity } : {}) };
}
