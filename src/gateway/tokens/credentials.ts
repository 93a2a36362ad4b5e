// Credentials: decrypted token secrets for adapters, adapter state, and token checks.

import type { Store } from "../../db/store.ts";
import type { TempFileWriter } from "../../domain/generation.ts";
import type { TokenRow } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import { KeyedSemaphore } from "../../keyed-semaphore.ts";
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

/** Secrets that calls under way may still have. */
const FORMER = 3;

const NEVER = new AbortController().signal;

const merged = ({ secret, state }: Pick<Known, "secret" | "state">, change: Change) => ({
  secret: change.secret ?? secret,
  state: { ...state, ...change.state },
});

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

/** `former`: secrets that this one was renewed from. */
type Known = { secret: string; state: ProviderState; version: number; former?: ReadonlySet<string> };
type Change = Parameters<CallContext["remember"]>[0];

export class Credentials {
  readonly #deps: Dependencies;
  /** Decrypted secrets by token id. */
  readonly #secrets = new Map<number, Known>();
  /** Counts what ends the validity of a secret that is being read. */
  #changes = 0;
  readonly #probes = createSerial();
  /** Writes of one token follow each other: each goes by the version that the one before it made. */
  readonly #writes = new KeyedSemaphore(1);

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
    const before = this.#changes;
    const read = await this.#deps.store.readTokenSecret(id).catch((error) => {
      throw error instanceof AppError && error.kind === "not_found" ? new AppError("no_token", "The chosen token was deleted.") : error;
    });
    if (this.#changes !== before) return this.#read(id, { proxy, location });
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

  /** Stores another secret, whatever the token had. @throws {AppError} `not_found`, `conflict` when another token has the secret */
  async replace(id: number, change: Change): Promise<void> {
    const { store, turns } = this.#deps;
    await this.#inTurn(id, () => store.writeTokenSecret(id, change));
    this.forget(id);
    turns?.changed(id);
  }

  /** What a call has renewed or found: known at once, then stored; nothing where its secret was replaced meanwhile. */
  async #remember(token: ProviderToken, change: Change): Promise<void> {
    const { log, turns } = this.#deps;
    const { id, secret } = token;
    const known = this.#secrets.get(id);
    if (known && known.secret !== secret && !known.former?.has(secret)) return this.#logReplaced(id);
    if (known) {
      const former = new Set([...(known.former ?? []), known.secret].slice(-FORMER));
      this.#secrets.set(id, { ...merged(known, change), version: known.version, former });
    }
    Object.assign(token, merged(token, change));
    try {
      await this.#inTurn(id, () => this.#write(id, secret, change));
    } catch (error) {
      if (error instanceof AppError && error.kind === "not_found") return;
      log.error("Renewed secret of a token could not be stored", { tokenId: id, error });
      throw error;
    }
    this.#changes++;
    turns?.changed(id);
  }

  /** Over the version that is known. Where that is another by now, the change counts as long as the secret is the one it was made with. */
  async #write(id: number, base: string, change: Change): Promise<void> {
    const { store } = this.#deps;
    for (;;) {
      const known = this.#secrets.get(id);
      const { secret, version } = known ?? (await store.readTokenSecret(id));
      if (!known && secret !== base) return this.#logReplaced(id);
      try {
        const next = await store.writeTokenSecret(id, { ...change, version });
        const now = this.#secrets.get(id);
        if (now) this.#secrets.set(id, { ...now, version: next });
        return;
      } catch (error) {
        if (!(error instanceof AppError) || error.reason !== "secret_changed") throw error;
        const stored = await store.readTokenSecret(id);
        const isOwn = stored.secret === base || stored.secret === secret || known?.former?.has(stored.secret);
        const state = { ...stored.state, ...known?.state };
        this.#secrets.set(id, isOwn && known ? { ...known, state, version: stored.version } : stored);
        if (!isOwn) return this.#logReplaced(id);
      }
    }
  }

  async #inTurn<T>(id: number, write: () => Promise<T>): Promise<T> {
    const leave = await this.#writes.enter(`${id}`, NEVER);
    try {
      return await write();
    } finally {
      leave();
    }
  }

  #logReplaced(id: number): void {
    this.#deps.log.info("What a call found of a token is dropped: its secret was replaced meanwhile", { tokenId: id });
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
    this.#changes++;
    if (id === undefined) this.#secrets.clear();
    else this.#secrets.delete(id);
  }

  #provider(name: string): Provider {
    const provider = this.#deps.providers.get(name);
    if (!provider) throw new AppError("invalid_request", `Unknown provider "${name}".`);
    return provider;
  }
}
