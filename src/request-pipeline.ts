// Request pipeline: URL repair, guards, access log and error envelopes, around every route of the app.
import type { AdminGuard } from "./admin/auth/guard.ts";
import { ADMIN_HEADERS } from "./admin/auth/guard.ts";
import { createAccessLog, type RequestTracker } from "./api/access-log.ts";
import { calledOrigin, clientAddress, forwardedHost, publicOrigin } from "./api/address.ts";
import { BodyReader } from "./api/body/body.ts";
import { keyOwner } from "./api/body/body-budget.ts";
import { type Dialect, dialectOf, splitUrl } from "./api/dialect.ts";
import { errorResponse as geminiError } from "./api/gemini/errors.ts";
import { createGuard, isUnknownKey, type Listener, unknownUrl, type Verdict } from "./api/guard.ts";
import { errorResponse as openaiError } from "./api/openai/errors.ts";
import { baseUrlHint, repairedUrl } from "./api/paths.ts";
import { createPluginGuard, errorResponse as pluginError } from "./api/plugin.ts";
import { createProxyWatch, trustProxyHint } from "./api/proxy-watch.ts";
import type { Context } from "./context.ts";
import { AppError, knownFailure } from "./errors.ts";

/** Names of this machine: the only `Host` values that the demo accepts. */
const LOCAL_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

const ENVELOPES = { openai: openaiError, gemini: geminiError, plugin: pluginError } as const satisfies Record<
  Dialect | "plugin",
  (error: unknown) => Response
>;

/** An unknown key reloads the store at most once per this time, in ms. */
const KEY_RELOAD_MS = 200;

/** Requests that did not arrive at the app's own listener: their peer, and the paths that their listener serves. */
export type Arrivals = WeakMap<Request, { peer: string | null; listener: Listener }>;

export type PipelineOptions = {
  arrivals: Arrivals;
  /** Reloads what has changed in the store. */
  refresh(): Promise<void>;
  watch?: RequestTracker;
};

/** The Elysia app behind the pipeline, and its server once it listens. */
export type Served = {
  handle(request: Request): Promise<Response>;
  server(): { timeout(request: Request, seconds: number): void; requestIP(request: Request): { address: string } | null } | null;
};

/** Decisions of the admin about requests under `/admin`. */
export type AdminEntry = { guard: AdminGuard; errorResponse(request: Request, error: unknown): Response };

type Headers = Record<string, string | number>;
type Arriving = { request: Request; set: { headers: Headers } };

/** Owns what is known of a request before a route sees it: id, peer, caller, origin. */
export class RequestPipeline {
  readonly bodies: BodyReader;
  readonly #access;
  readonly #guard;
  readonly #proxies;
  readonly #mainListener: Listener;
  readonly #trustProxy: readonly string[];
  #admin: AdminEntry | null = null;
  #reloadedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly ctx: Context,
    private readonly options: PipelineOptions,
    private readonly app: Served,
  ) {
    const { clock, keys, log, metrics, simulated } = ctx;
    const { server, admin } = ctx.config.settings;
    this.#trustProxy = server.trust_proxy;
    this.#mainListener = admin.port === 0 ? "all" : "api";
    this.#access = createAccessLog({ metrics, log, now: clock.now, watch: options.watch });
    this.#proxies = createProxyWatch({ trustProxy: server.trust_proxy, found: (address) => log.warn(trustProxyHint(address)) });
    this.bodies = new BodyReader(() => ctx.settings.current().server, {
      clock,
      budget: ctx.bodyBudget,
      ownerOf: (request) => this.#bodyOwner(request),
      // Bun would cut an idle connection without a response; the admin's own listener has no such limit.
      onSlow: (request) => void (options.arrivals.has(request) || app.server()?.timeout(request, 0)),
    });
    this.#guard = createGuard({
      keys,
      now: clock.now,
      trustProxy: server.trust_proxy,
      metricsToken: server.metrics_token,
      hosts: simulated ? LOCAL_NAMES : null,
      plugin: createPluginGuard(() => ctx.settings.current().plugin.connection_token, clock.now),
      hint: (request) => this.#urlHint(request),
    });
  }

  /** Must be called before the first request. */
  set admin(admin: AdminEntry) {
    this.#admin = admin;
  }

  /** Origin for links that people open in a browser. */
  originOf(request: Request): string {
    const origin = publicOrigin(request, this.#peerOf(request), this.#originSettings());
    if (request.method === "POST") this.ctx.linkWatch.made(origin);
    return origin;
  }

  /** The call behind an admitted request, for the OpenAI dialect. */
  callOf(request: Request) {
    return {
      requestId: this.#access.idOf(request),
      startedAt: this.#access.startOf(request),
      key: this.#guard.callerOf(request)!.key,
      origin: this.originOf(request),
      calledOrigin: this.#calledOrigin(request),
    };
  }

  /** The same for the Gemini dialect, whose links are all followed by programs. */
  geminiCallOf(request: Request) {
    return { ...this.callOf(request), origin: this.#calledOrigin(request) };
  }

  keyIdOf(request: Request): { keyId: number } | null {
    const caller = this.#guard.callerOf(request);
    return caller && { keyId: caller.key.id };
  }

  /** What to set when a proxy is in front that `server.trust_proxy` does not name; null: nothing. */
  proxyHint(): string | null {
    const proxy = this.#proxies.untrusted();
    return proxy === null ? null : trustProxyHint(proxy);
  }

  /** First hook of a request. A response ends it here: a refusal, a preflight, a redirect, or the same request under its repaired URL. */
  async admit({ request, set }: Arriving): Promise<Response | undefined> {
    const repaired = repairedUrl(request.url, (name) => request.headers.get(name));
    if (repaired !== null) return this.#handleAs(request, repaired);
    const peer = this.#peerOf(request);
    this.#proxies.observe(request, peer);
    const decide = () => this.#guard.decide(request, peer, this.#listenerOf(request));
    let verdict = decide();
    if (isUnknownKey(verdict) && (await this.#reloadKeys())) verdict = decide();
    Object.assign(set.headers, verdict.headers);
    set.headers["x-request-id"] = this.#access.begin(request);
    if (this.ctx.simulated) set.headers["x-flow2api-simulated"] = "true";
    if (verdict.refusal === null) return undefined;
    const response = await this.#refuse(request, verdict, set.headers);
    // No other hook runs for a response that is given here.
    if (response) this.#access.end(request, response.status);
    return response;
  }

  /** The response to a failure of a route, in the envelope of its dialect or as a page of the admin. */
  fail(request: Request, error: unknown, isUnknownPath: boolean): Response {
    const { path, query } = splitUrl(request.url);
    if (!isUnknownPath && !(error instanceof AppError))
      this.ctx.log.error(knownFailure(error) ? "The store failed" : "A request failed by a bug", { error });
    const failure = isUnknownPath ? unknownUrl(request.method, path, this.#urlHint(request)) : error;
    if (this.#admin?.guard.hasSeen(request)) return this.#admin.errorResponse(request, failure);
    const dialect = dialectOf({ path, query, header: (name) => request.headers.get(name) });
    return ENVELOPES[dialect](failure);
  }

  /** Last hook: logs the response, and ends what the media store holds for the request. */
  end(request: Request, status: number): void {
    this.#access.end(request, status);
    void this.ctx.media.endRequest(this.#access.idOf(request), status >= 400);
  }

  #peerOf(request: Request): string | null {
    const arrival = this.options.arrivals.get(request);
    return arrival ? arrival.peer : (this.app.server()?.requestIP(request)?.address ?? null);
  }

  #listenerOf(request: Request): Listener {
    return this.options.arrivals.get(request)?.listener ?? this.#mainListener;
  }

  #originSettings() {
    return { public_url: this.ctx.settings.current().server.public_url, trust_proxy: this.#trustProxy };
  }

  #calledOrigin(request: Request): string {
    return calledOrigin(request, this.#peerOf(request), this.#originSettings());
  }

  #urlHint(request: Request): string {
    return baseUrlHint(this.#calledOrigin(request));
  }

  /** Bodies count for their key; those of a signed-in operator have no share, and all others have one together. */
  #bodyOwner(request: Request): string | null {
    const caller = this.#guard.callerOf(request);
    if (caller) return keyOwner(caller.key.id);
    const guard = this.#admin?.guard;
    return guard?.hasSeen(request) && guard.sessionContextOf(request).session ? null : "strangers";
  }

  /** Picks up keys that another process has just stored. False: that was done within {@link KEY_RELOAD_MS}, so wrong keys stay cheap. */
  async #reloadKeys(): Promise<boolean> {
    const now = this.ctx.clock.now();
    if (now < this.#reloadedAt + KEY_RELOAD_MS) return false;
    this.#reloadedAt = now;
    await this.options.refresh();
    return true;
  }

  /** Handles the request under another URL, as from the same peer. */
  #handleAs(request: Request, url: string): Promise<Response> {
    const { method, headers, body, signal } = request;
    const next = new Request(url, { method, headers, body, signal });
    this.options.arrivals.set(next, { peer: this.#peerOf(request), listener: this.#listenerOf(request) });
    // Slow routes lift the idle limit of the request that they see, which is not the server's.
    this.app.server()?.timeout(request, 0);
    return this.app.handle(next);
  }

  /** The response to a request that the guard does not pass on; undefined: the admin admits it. */
  async #refuse(request: Request, { refusal, dialect }: Verdict, headers: Headers): Promise<Response | undefined> {
    if (refusal === "admin") return this.#askAdmin(request, Object.assign(headers, ADMIN_HEADERS));
    if (refusal !== "preflight") return ENVELOPES[dialect](refusal);
    return dialect === "plugin" ? new Response("OK") : new Response(null, { status: 204 });
  }

  async #askAdmin(request: Request, headers: Headers): Promise<Response | undefined> {
    const { path, query } = splitUrl(request.url);
    const peer = this.#peerOf(request);
    const { guard, errorResponse } = this.#admin!;
    const verdict = await guard.decide(request, {
      path,
      query,
      address: clientAddress(peer, request.headers, this.#trustProxy),
      secure: publicOrigin(request, peer, { public_url: "", trust_proxy: this.#trustProxy }).startsWith("https:"),
      forwardedHost: forwardedHost(peer, request.headers, this.#trustProxy),
    });
    Object.assign(headers, verdict.headers);
    if (verdict.refusal === null) return undefined;
    if ("to" in verdict.refusal) return new Response(null, { status: 303, headers: { location: verdict.refusal.to } });
    return errorResponse(request, verdict.refusal);
  }
}
