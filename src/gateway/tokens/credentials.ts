// Credentials: decrypted token secrets for adapters, adapter state, and token checks.

import type { Store } from "../../db/store.ts";
import type { TempFileWriter } from "../../domain/generation.ts";
import type { TokenRow } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { CallContext, Provider, ProviderState, ProviderToken, TokenFacts } from "../../providers/provider.ts";
import { createSerial } from "../../serial.ts";

export type Tokens = {
  /** The token with its secret in clear, for one call. @throws {AppError} `no_token` when it is gone */
  open(id: number, proxy: string | null): Promise<ProviderToken>;
  /** What an adapter may do with the world during one call of this token. */
  callContext(token: ProviderToken, signal: AbortSignal): CallContext;
  /**
   * Asks the upstream about one token and keeps what it tells.
   * @throws {AppError} as {@link Provider.check}, or `cancelled` when the secret that failed was replaced meanwhile
   */
  check(row: TokenRow, signal: AbortSignal): Promise<TokenFacts>;
  /** Asks the upstream about a secret that no token has. One at a time. @throws {AppError} as {@link Provider.check} */
  probe(provider: string, secret: string, signal: AbortSignal): Promise<Probe>;
  /** Keeps what was learned of a token just now. */
  keep(id: number, facts: TokenFacts): Promise<void>;
  /** Forgets secrets held in memory, after the table changed elsewhere. */
  forget(): void;
};

/** What a secret turned out to be. `secret` is the one to keep: asking may have rotated it. */
export type Probe = { facts: TokenFacts; secret: string; state: ProviderState };

/** No token has it. Adapters may keep something by id, and for all probes together they keep one thing. */
const PROBE_ID = 0;

type Dependencies = {
  store: Pick<Store, "readTokenSecret" | "writeTokenSecret" | "updateToken">;
  providers: ReadonlyMap<string, Provider>;
  openTempFile(mime: string): Promise<TempFileWriter>;
  now: () => number;
  log: Log;
  /** Told after each successful check. */
  onFacts?(id: number, facts: TokenFacts): void;
};

export function createTokens({ store, providers, openTempFile, now, log, onFacts }: Dependencies): Tokens {
  const held = new Map<number, { secret: string; state: ProviderState }>();
  const oneProbe = createSerial();

  const providerOf = (name: string): Provider => {
    const provider = providers.get(name);
    if (!provider) throw new AppError("invalid_request", `Unknown provider "${name}".`);
    return provider;
  };

  const open: Tokens["open"] = async (id, proxy) => {
    let secret = held.get(id);
    if (!secret) {
      secret = await store.readTokenSecret(id).catch((error) => {
        throw error instanceof AppError && error.kind === "not_found" ? new AppError("no_token", "The chosen token was deleted.") : error;
      });
      held.set(id, secret);
    }
    return { id, secret: secret.secret, state: secret.state, proxy };
  };

  const callContext: Tokens["callContext"] = (token, signal) => ({
    signal,
    openTempFile,
    async remember(change) {
      const current = held.get(token.id) ?? { secret: token.secret, state: token.state };
      const next = { secret: change.secret ?? current.secret, state: { ...current.state, ...change.state } };
      held.set(token.id, next);
      Object.assign(token, next);
      await store.writeTokenSecret(token.id, change).catch((error) => {
        if (error instanceof AppError && error.kind === "not_found") return;
        log.error("A token's renewed secret could not be kept", { tokenId: token.id, error });
        throw error;
      });
    },
  });

  const keep: Tokens["keep"] = async (id, facts) => {
    const { identity, tier, credits, families, renewBefore } = facts;
    const learned = { identity, tier, credits, families, renewBefore };
    const known = Object.fromEntries(Object.entries(learned).filter(([, value]) => value !== undefined));
    await store.updateToken(id, { ...known, checkedAt: now() });
    onFacts?.(id, facts);
  };

  return {
    open,
    callContext,
    keep,
    async check(row, signal) {
      const provider = providerOf(row.provider);
      const token = await open(row.id, row.proxy);
      const facts = await provider.check(token, callContext(token, signal)).catch((error) => {
        const current = held.get(row.id);
        if (current && current.secret !== token.secret)
          throw new AppError("cancelled", "The token has another secret by now.", { cause: error });
        throw error;
      });
      await keep(row.id, facts);
      return facts;
    },
    probe: (name, secret, signal) =>
      oneProbe(async () => {
        const token: ProviderToken = { id: PROBE_ID, secret, state: {}, proxy: null };
        const remember: CallContext["remember"] = async (change) => {
          token.secret = change.secret ?? token.secret;
          token.state = { ...token.state, ...change.state };
        };
        const facts = await providerOf(name).check(token, { signal, openTempFile, remember });
        return { facts, secret: token.secret, state: token.state };
      }),
    forget: () => held.clear(),
  };
}
