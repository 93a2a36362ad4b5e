// Arrival: what is known of one request from its arrival to its response, in one object that it carries.
import type { AdminTokenRow } from "../domain/account.ts";
import type { KeyRow } from "../domain/key.ts";
import type { AppError } from "../errors.ts";
import { calledOrigin, clientAddress, publicOrigin } from "./address.ts";
import { type Dialect, firstSegment, pathOf, queryOf } from "./dialect.ts";

/** What the listener of a request serves. */
export type Listener = "all" | "api" | "admin";

/** Of a request that did not arrive at the app's own listener: its peer, and what its listener serves. */
export type Entrance = { peer: string | null; listener: Listener };

/** What all arrivals of a server share. Looked up only when it is needed: the peer's address costs a call into the runtime. */
export type Surroundings = {
  peerOf(request: Request): string | null;
  trustProxy: readonly string[];
  publicUrl(): string;
  /** What the app's own listener serves. */
  listener: Listener;
  /** Called once for a change whose response may hold links that people open. */
  linksMade?(origin: string): void;
};

type Carrier = Request & { [ARRIVAL]?: Arrival; [ENTRANCE]?: Entrance };
const ARRIVAL = Symbol("arrival");
const ENTRANCE = Symbol("entrance");

/** The arrival of a request that the pipeline has seen; null: not yet. */
export const arrivalOf = (request: Request): Arrival | null => (request as Carrier)[ARRIVAL] ?? null;

/** Says where a request came in, before the app handles it. */
export function enterBy(request: Request, entrance: Entrance): void {
  (request as Carrier)[ENTRANCE] = entrance;
}

const NO_HEADERS: Readonly<Record<string, string>> = {};

/** Also the call of both dialects, once {@link key} is set. */
export class Arrival {
  readonly path: string;
  readonly query: string;
  /** First segment of the path, which decides most of what follows. */
  readonly group: string;
  requestId = "";
  /** Epoch ms. */
  startedAt = 0;
  /** Of the watchdog. */
  ticket = 0;
  /** The key of a request that was admitted with one, or came with one to an open path. */
  key: KeyRow | null = null;
  /** The key that it came with and that does not admit it: revoked, expired, of another address. */
  refusedKey: KeyRow | null = null;
  /** It counts against its key's limit per minute: every response has the rate headers, refusals too. */
  isRated = false;
  /** Why it got an error. */
  failure: AppError | null = null;
  /** Of the route that it reached, where one dialect alone has it; null: as its path, headers and query say. */
  dialect: Dialect | null = null;
  /** The admin token of a request to the admin's JSON API that was admitted. */
  adminToken: AdminTokenRow | null = null;
  /** Headers of every response to this request, beside its id. */
  headers: Readonly<Record<string, string>> = NO_HEADERS;
  /** The guard has let it in, after it had to wait for that. */
  isAdmitted = false;
  /** Its response was counted and logged. */
  hasEnded = false;
  private readonly entrance: Entrance | undefined;
  private knownPeer: string | null | undefined;
  private knownOrigin: string | undefined;
  private knownCalled: string | undefined;

  constructor(
    readonly request: Request,
    private readonly around: Surroundings,
  ) {
    const carrier = request as Carrier;
    const { url } = request;
    this.path = pathOf(url);
    this.query = queryOf(url);
    this.group = firstSegment(this.path);
    this.entrance = carrier[ENTRANCE];
    carrier[ARRIVAL] = this;
  }

  /** Address of the other end of the connection. */
  get peer(): string | null {
    if (this.knownPeer === undefined) this.knownPeer = this.entrance ? this.entrance.peer : this.around.peerOf(this.request);
    return this.knownPeer;
  }

  /** Address of the client: behind trusted proxies the forwarded one. */
  get address(): string | null {
    return clientAddress(this.peer, this.request.headers, this.around.trustProxy);
  }

  get listener(): Listener {
    return this.entrance?.listener ?? this.around.listener;
  }

  /** It came in by another way than the app's own listener, or under another URL. */
  get isForwarded(): boolean {
    return this.entrance !== undefined;
  }

  header(name: string): string | null {
    return this.request.headers.get(name);
  }

  /** Scheme and host for links that people follow in a browser. */
  get origin(): string {
    if (this.knownOrigin !== undefined) return this.knownOrigin;
    this.knownOrigin = publicOrigin(this.request, this.peerIfTrusting(), this.originSettings());
    if (this.request.method === "POST") this.around.linksMade?.(this.knownOrigin);
    return this.knownOrigin;
  }

  /** Scheme and host for links that the client itself follows, by which it called. */
  get calledOrigin(): string {
    this.knownCalled ??= calledOrigin(this.request, this.peerIfTrusting(), this.originSettings());
    return this.knownCalled;
  }

  private originSettings() {
    return { public_url: this.around.publicUrl(), trust_proxy: this.around.trustProxy };
  }

  /** Without trusted proxies nothing depends on the peer. */
  private peerIfTrusting(): string | null {
    return this.around.trustProxy.length > 0 ? this.peer : null;
  }
}
