// The secret side of the pool: tokens as adapters need them, what adapters remember, and checks.
import type { Store, TokenRow } from "../db/store.ts";
import { AppError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { CallContext, Provider, ProviderState, ProviderToken, TokenFacts } from "../providers/provider.ts";
import type { DraftWriter } from "./types.ts";

export type Tokens = {
  /** The token with its secret in clear, for one call. @throws {AppError} `no_token` when it is gone */
  open(id: number, proxy: string | null): Promise<ProviderToken>;
  /** What an adapter may do with the world during one call of this token. */
  callContext(token: ProviderToken, signal: AbortSignal): CallContext;
  /** Asks the upstream about one token and keeps what it tells. */
  check(row: TokenRow, signal: AbortSignal): Promise<TokenFacts>;
  /** Forgets secrets held in memory, after the table changed elsewhere. */
  forget(): void;
};

type Dependencies = {
  store: Pick<Store, "readTokenSecret" | "writeTokenSecret" | "updateToken">;
  providers: ReadonlyMap<string, Provider>;
  openDraft(mime: string): Promise<DraftWriter>;
  now: () => number;
  log: Log;
  /** Told after each successful check. */
  onFacts?(id: number, facts: TokenFacts): void;
};

export function createTokens({ store, providers, openDraft, now, log, onFacts }: Dependencies): Tokens {
  const held = new Map<number, { secret: string; state: ProviderState }>();

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
    openDraft,
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

  return {
    open,
    callContext,
    async check(row, signal) {
      const provider = providers.get(row.provider);
      if (!provider) throw new AppError("invalid_request", `Unknown provider "${row.provider}".`);
      const token = await open(row.id, row.proxy);
      const facts = await provider.check(token, callContext(token, signal));
      const { identity, tier, credits, families, renewBefore } = facts;
      const learned = { identity, tier, credits, families, renewBefore };
      const known = Object.fromEntries(Object.entries(learned).filter(([, value]) => value !== undefined));
      await store.updateToken(row.id, { ...known, checkedAt: now() });
      onFacts?.(row.id, facts);
      return facts;
    },
    forget: () => held.clear(),
  };
}
