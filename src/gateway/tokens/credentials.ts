// Credentials: decrypted token secrets for adapters, adapter state, and token checks.

import type { Store } from "../../db/store.ts";
import type { TempFileWriter } from "../../domain/generation.ts";
import type { TokenRow } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { CallContext, Provider, ProviderState, ProviderToken, TokenFacts } from "../../providers/provider.ts";
import { proxyOf } from "../../proxy-address.ts";
import { createSerial } from "../../serial.ts";
import type { TokenTurns } from "../nodes/token-turns.ts";

/** What a secret turned out to be. `secret` is the one to store: the check may have rotated it. */
export type Probe = { facts: TokenFacts; secret: string; state: ProviderState };

/** Id of secrets that no token has yet. Adapters may store state by id; for all probes together they store one. */
const PROBE_ID = 0;

/** How the calls of a token leave and where they go; a row or a lease is one. */
export type TokenRoute = Pick<TokenRow, "proxy" | "location">;

const DIRECT: TokenRoute = { proxy: null, location: null };

type Dependencies = {
  store: Pick<Store, "readTokenSecret" | "writeTokenSecret" | "updateToken">;
  providers: ReadonlyMap<string, Provider>;
  openTempFile(mime: string): Promise<TempFileWriter>;
  /** Proxy of tokens without one of their own; empty or absent: none. */
  sharedProxy?(): string;
  now: () => number;
  log: Log;
  /** Takes turns between nodes; absent: there are no other nodes. */
  turns?: TokenTurns | null;
  /** Called after each successful check. */
  onFacts?(id: number, facts: TokenFacts): void;
};

export class Credentials {
  readonly #deps: Dependencies;
  /** Decrypted secrets by token id. */
  readonly #secrets = new Map<number, { secret: string; state: ProviderState }>();
  readonly #probes = createSerial();

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /** The token with its decrypted secret, for one call: at once where it was opened before. @throws {AppError} `no_token` when it is gone */
  open(id: number, route: TokenRoute = DIRECT): ProviderToken | Promise<ProviderToken> {
    const known = this.#secrets.get(id);
    if (!known) return this.#read(id, route);
    return { id, secret: known.secret, state: known.state, proxy: this.#proxyOf(route.proxy), location: route.location };
  }

  async #read(id: number, { proxy, location }: TokenRoute): Promise<ProviderToken> {
    const read = await this.#deps.store.readTokenSecret(id).catch((error) => {
      throw error instanceof AppError && error.kind === "not_found" ? new AppError("no_token", "The chosen token was deleted.") : error;
    });
    this.#secrets.set(id, read);
    return { id, secret: read.secret, state: read.state, proxy: this.#proxyOf(proxy), location };
  }

  #proxyOf(own: string | null): string | null {
    return proxyOf(own, this.#deps.sharedProxy?.() ?? "");
  }

  /** What an adapter may use during one call of this token. `hold`: see {@link CallContext}. */
  callContext(token: ProviderToken, signal: AbortSignal, hold?: CallContext["hold"]): CallContext {
    const { openTempFile, turns } = this.#deps;
    const remember: CallContext["remember"] = (change) => this.#remember(token, change);
    if (!turns) return { signal, openTempFile, hold, remember };
    return { signal, openTempFile, hold, remember, exclusively: (work) => turns.run(token.id, () => this.#withStored(token, work)) };
  }

  async #withStored<T>(token: ProviderToken, work: (stored: { secret: string; state: ProviderState }) => Promise<T>): Promise<T> {
    const stored = await this.#deps.store.readTokenSecret(token.id);
    this.#secrets.set(token.id, stored);
    Object.assign(token, { secret: stored.secret, state: stored.state });
    return work(stored);
  }

  async #remember(token: ProviderToken, change: Parameters<CallContext["remember"]>[0]): Promise<void> {
    const { store, log } = this.#deps;
    const current = this.#secrets.get(token.id) ?? { secret: token.secret, state: token.state };
    const next = { secret: change.secret ?? current.secret, state: { ...current.state, ...change.state } };
    this.#secrets.set(token.id, next);
    Object.assign(token, next);
    await store.writeTokenSecret(token.id, change).catch((error) => {
      if (error instanceof AppError && error.kind === "not_found") return 0;
      log.error("Renewed secret of a token could not be stored", { tokenId: token.id, error });
      throw error;
    });
    this.#deps.turns?.changed(token.id);
  }

  /**
   * Asks the upstream about one token and stores the facts.
   * @throws {AppError} as {@link Provider.check}, or `cancelled` when the secret that failed was replaced meanwhile
   */
  async check(row: TokenRow, signal: AbortSignal): Promise<TokenFacts> {
    const provider = this.#provider(row.provider);
    const token = await this.open(row.id, row);
    const facts = await provider.check(token, this.callContext(token, signal)).catch((error) => {
      const current = this.#secrets.get(row.id);
      if (current && current.secret !== token.secret)
        throw new AppError("cancelled", "The token has another secret by now.", { cause: error });
      throw error;
    });
    await this.storeFacts(row.id, facts);
    return facts;
  }

  /** Asks the upstream about a secret that no token has. One at a time. @throws {AppError} as {@link Provider.check} */
  probe(name: string, secret: string, signal: AbortSignal): Promise<Probe> {
    return this.#probes(async () => {
      const token: ProviderToken = { id: PROBE_ID, secret, state: {}, proxy: this.#proxyOf(null) };
      const remember: CallContext["remember"] = async (change) => {
        token.secret = change.secret ?? token.secret;
        token.state = { ...token.state, ...change.state };
      };
      const facts = await this.#provider(name).check(token, { signal, openTempFile: this.#deps.openTempFile, remember });
      return { facts, secret: token.secret, state: token.state };
    });
  }

  /** Stores the facts that a check found just now. */
  async storeFacts(id: number, facts: TokenFacts): Promise<void> {
    const { identity, tier, credits, families, renewBefore } = facts;
    const learned = { identity, tier, credits, families, renewBefore };
    const known = Object.fromEntries(Object.entries(learned).filter(([, value]) => value !== undefined));
    await this.#deps.store.updateToken(id, { ...known, checkedAt: this.#deps.now() });
    this.#deps.onFacts?.(id, facts);
  }

  /** Drops the secrets in memory, or one of them, after they changed elsewhere. */
  forget(id?: number): void {
    if (id === undefined) this.#secrets.clear();
    else this.#secrets.delete(id);
  }

  #provider(name: string): Provider {
    const provider = this.#deps.providers.get(name);
    if (!provider) throw new AppError("invalid_request", `Unknown provider "${name}".`);
    return provider;
  }
}
