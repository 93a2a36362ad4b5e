// Request pipeline: URL repair, guards, access log and error envelopes, around every route of the app.
import { isAdminApi } from "./api/access.ts";
import { createAccessLog, type RequestTracker } from "./api/access-log.ts";
import { errorResponse as adminError } from "./api/admin/errors.ts";
import { type AdminEntry, AdminGate } from "./api/admin/gate.ts";
import { Arrival, arrivalOf, enterBy, type Surroundings } from "./api/arrival.ts";
import { BodyReader } from "./api/body/body.ts";
import type { BodyOwner } from "./api/body/body-budget.ts";
import { type Dialect, dialectOf } from "./api/dialect.ts";
import { errorResponse as geminiError } from "./api/gemini/errors.ts";
import { createGuard, isUnknownKey, unknownUrl, type Verdict } from "./api/guard.ts";
import { errorResponse as mcpError } from "./api/mcp/errors.ts";
import { errorResponse as openaiError } from "./api/openai/errors.ts";
import { baseUrlHint, isCanonical, repairedUrl } from "./api/paths.ts";
import { createPluginGuard, errorResponse as pluginError } from "./api/plugin.ts";
import { createProxyWatch, trustProxyHint } from "./api/proxy-watch.ts";
import { refusalRow } from "./api/refusal-row.ts";
import type { Context } from "./context.ts";
import type { KeyRow } from "./domain/key.ts";
import { AppError, knownFailure } from "./errors.ts";
import type { Late } from "./late.ts";

/** Names of this machine: the only `Host` values that the demo accepts. */
const LOCAL_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

const ENVELOPES = {
  openai: openaiError,
  gemini: geminiError,
  mcp: mcpError,
  plugin: pluginError,
  admin: adminError,
} as const satisfies Record<Dialect | "plugin" | "admin", (error: unknown) => Response>;

/** An unknown key reloads the store at most once per this time, in ms. */
const KEY_RELOAD_MS = 200;

export type PipelineOptions = {
  /** Whether the admin is open to an address. */
  isAdminOpenTo(address: string | null): boolean;
  /** The pages of the admin, and the headers of every response of it. */
  admin: { pages: Late<AdminEntry>; headers: Readonly<Record<string, string>> };
  /** Paths that both dialects have: a request that speaks Gemini is answered before it reaches them. */
  answerFirst?(call: Call, server: ReturnType<Served["server"]>): Promise<Response> | undefined;
  /** Reloads what has changed in the store. */
  refresh(): Promise<void>;
  watch?: RequestTracker;
};

/** The Elysia app behind the pipeline, and its server once it listens. */
export type Served = {
  handle(request: Request): Promise<Response>;
  server(): { timeout(request: Request, seconds: number): void; requestIP(request: Request): { address: string } | null } | null;
};

/** Headers and status as routes may set them beside their response. */
type Set = { headers: Record<string, unknown>; status?: number | string };

/** What both dialects need of a request that came with a key. */
export type Call = Arrival & { key: KeyRow };

const repairedUrlOf = (arrival: Arrival) => repairedUrl(arrival.request.url, (name) => arrival.header(name));

/** Around every route: what is known of a request before a route sees it, and what every response gets. */
export class RequestPipeline {
  readonly bodies: BodyReader;
  readonly #access;
  readonly #guard;
  readonly #proxies;
  readonly #around: Surroundings;
  readonly #gate: AdminGate;
  #reloadedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly ctx: Context,
    private readonly options: PipelineOptions,
    private readonly app: Served,
  ) {
    const { clock, keys, log, metrics, traces, simulated } = ctx;
    const { server, admin } = ctx.config.settings;
    this.#gate = new AdminGate({
      ...options.admin,
      tokens: ctx.adminTokens,
      trustProxy: server.trust_proxy,
      isAllowed: options.isAdminOpenTo,
    });
    this.#around = {
      peerOf: (request) => app.server()?.requestIP(request)?.address ?? null,
      trustProxy: server.trust_proxy,
      publicUrl: () => ctx.settings.current().server.public_url,
      listener: admin.port === 0 ? "all" : "api",
      linksMade: (origin) => ctx.linkWatch.made(origin),
    };
    this.#access = createAccessLog({ metrics, traces, log, now: clock.now, watch: options.watch });
    this.#proxies = createProxyWatch({ trustProxy: server.trust_proxy, found: (address) => log.warn(trustProxyHint(address)) });
    this.bodies = new BodyReader(() => ctx.settings.current().server, {
      clock,
      budget: ctx.bodyBudget,
      ownerOf: (request) => this.#bodyOwner(request),
      // Bun would cut an idle connection without a response; the admin's own listener has no such limit.
      onSlow: (request) => void (arrivalOf(request)?.isForwarded || app.server()?.timeout(request, 0)),
    });
    this.#guard = createGuard({
      keys,
      now: clock.now,
      metricsToken: server.metrics_token,
      hosts: simulated ? LOCAL_NAMES : null,
      trustProxy: server.trust_proxy,
      mcpHosts: () => ({ publicUrl: ctx.settings.current().server.public_url, hosts: server.mcp_hosts }),
      plugin: createPluginGuard(() => ctx.settings.current().plugin.connection_token, clock.now),
      hint: (arrival) => baseUrlHint(arrival.calledOrigin),
    });
  }

  /** A failure may come before the arrival is made. */
  #arrivalOf(request: Request): Arrival {
    return arrivalOf(request) ?? new Arrival(request, this.#around);
  }

  /** Origin for links that people open in a browser. */
  originOf(request: Request): string {
    return this.#arrivalOf(request).origin;
  }

  /** The call behind an admitted request. */
  callOf(request: Request): Call {
    return arrivalOf(request) as Call;
  }

  keyIdOf(request: Request): { keyId: number } | null {
    const key = arrivalOf(request)?.key;
    return key ? { keyId: key.id } : null;
  }

  /** What to set when a proxy is in front that `server.trust_proxy` does not name; null: nothing. */
  proxyHint(): string | null {
    const proxy = this.#proxies.untrusted();
    return proxy === null ? null : trustProxyHint(proxy);
  }

  /**
   * First hook of a request. A response ends it here: a refusal, a preflight, a redirect, or the same request under its repaired URL. Answers
   * at once where nothing has to be waited for, which is the rule for requests with a key.
   */
  admit(request: Request): Response | Promise<Response> | undefined {
    if (arrivalOf(request)?.isAdmitted) return undefined;
    const arrival = new Arrival(request, this.#around);
    if (!isCanonical(request.url, arrival.path)) {
      const repaired = repairedUrlOf(arrival);
      if (repaired !== null) return this.#handleAs(arrival, repaired);
    }
    this.#access.begin(arrival);
    this.#proxies.observe(arrival);
    const verdict = this.#guard.decide(arrival);
    arrival.headers = verdict.headers;
    if (verdict.refusal !== null) return this.#admitOrRefuse(arrival, verdict);
    return this.#answerFirst(arrival);
  }

  /** The response to a failure of a route, in the envelope of its dialect or as a page of the admin. */
  fail(request: Request, error: unknown, isUnknownPath: boolean): Response {
    const arrival = this.#arrivalOf(request);
    if (!isUnknownPath && !(error instanceof AppError))
      this.ctx.log.error(knownFailure(error) ? "The store failed" : "A request failed by a bug", { error });
    const failure = isUnknownPath ? unknownUrl(request.method, arrival.path, baseUrlHint(arrival.calledOrigin)) : error;
    if (this.#gate.guardOf(request) && !isAdminApi(arrival.path)) return this.#gate.pages!.errorResponse(request, failure);
    arrival.failure = knownFailure(failure);
    return ENVELOPES[isAdminApi(arrival.path) ? "admin" : (arrival.dialect ?? dialectOf(arrival))](failure);
  }

  /**
   * Last hook: gives a response its headers, counts and logs it, and ends what the media store holds for the request. `set` is emptied: what a
   * route set beside its response is in the response, which is not copied once more.
   */
  finish<R>(request: Request, response: R, set?: Set, route: string | null = null): R {
    const arrival = this.#arrivalOf(request);
    if (!(response instanceof Response) || set?.headers["set-cookie"] !== undefined) {
      if (set) set.headers = { ...this.#headersOf(arrival), ...set.headers };
      this.#end(arrival, response instanceof Response ? response.status : Number(set?.status ?? 200), route);
      return response;
    }
    const { headers } = response;
    if (set) {
      for (const name in set.headers) if (!headers.has(name)) headers.set(name, String(set.headers[name]));
      set.headers = {};
      set.status = 200;
    }
    for (const name in arrival.headers) if (!headers.has(name)) headers.set(name, arrival.headers[name]!);
    if (arrival.isRated && arrival.key !== null) this.#rate(headers, arrival.key.id);
    headers.set("x-request-id", arrival.requestId);
    if (this.ctx.simulated) headers.set("x-flow2api-simulated", "true");
    this.#end(arrival, response.status, route);
    return response;
  }

  /** As of the response: a request that was admitted counts by then. */
  #rate(headers: Headers, keyId: number): void {
    const rates = this.ctx.limits.rateHeaders(keyId);
    for (const name in rates) headers.set(name, rates[name]!);
  }

  /** For what is no Response yet, or has cookies. */
  #headersOf({ headers, requestId }: Arrival): Record<string, string> {
    return { ...headers, "x-request-id": requestId, ...(this.ctx.simulated ? { "x-flow2api-simulated": "true" } : {}) };
  }

  #end(arrival: Arrival, status: number, route: string | null): void {
    if (arrival.hasEnded) return;
    this.#access.end(arrival, status, route);
    if (arrival.failure !== null) this.#logRefusal(arrival, arrival.failure);
    void this.ctx.media.endRequest(arrival.requestId, status >= 400);
  }

  /** A row of the request log for what was turned away; a generation that began writes its own. */
  #logRefusal(arrival: Arrival, failure: AppError): void {
    const { clock, requests, settings } = this.ctx;
    const withAddress = settings.current().requests.record_addresses;
    const row = refusalRow(arrival, failure, { now: clock.now(), withAddress });
    if (row) requests.append(row);
  }

  /** Bodies count for their key; those of a signed-in operator have no share, and all others have one together. */
  #bodyOwner(request: Request): BodyOwner | null {
    const arrival = arrivalOf(request);
    const key = arrival?.key;
    if (key) return key.id;
    if (arrival?.adminToken) return null;
    return this.#gate.guardOf(request)?.sessionContextOf(request).session ? null : "strangers";
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
  #handleAs({ request, peer, listener }: Arrival, url: string): Promise<Response> {
    const { method, headers, body, signal } = request;
    const next = new Request(url, { method, headers, body, signal });
    enterBy(next, { peer, listener });
    // Slow routes lift the idle limit of the request that they see, which is not the server's.
    this.app.server()?.timeout(request, 0);
    return this.app.handle(next);
  }

  /** The response to a request that the guard does not pass on; of one that is let in after a wait, the app's. */
  async #admitOrRefuse(arrival: Arrival, first: Verdict): Promise<Response> {
    const { request } = arrival;
    try {
      let verdict = first;
      if (isUnknownKey(verdict) && (await this.#reloadKeys())) {
        verdict = this.#guard.decide(arrival);
        arrival.headers = verdict.headers;
      }
      const response = await this.#refuse(arrival, verdict);
      if (response) return this.finish(request, response);
    } catch (error) {
      return this.finish(request, this.fail(request, error, false));
    }
    arrival.isAdmitted = true;
    return this.#answerFirst(arrival) ?? this.app.handle(request);
  }

  #answerFirst(arrival: Arrival): Promise<Response> | undefined {
    if (arrival.key === null || !this.options.answerFirst) return undefined;
    const response = this.options.answerFirst(arrival as Call, this.app.server());
    return response === undefined ? undefined : this.#finishLater(arrival.request, response);
  }

  async #finishLater(request: Request, response: Promise<Response>): Promise<Response> {
    try {
      return this.finish(request, await response);
    } catch (error) {
      return this.finish(request, this.fail(request, error, false));
    }
  }

  /** Null: it is let in. */
  async #refuse(arrival: Arrival, { refusal, dialect }: Verdict): Promise<Response | null> {
    if (refusal === null) return null;
    if (refusal === "admin") return this.#gate.askForPage(arrival);
    if (refusal === "admin_api") return this.#gate.askForToken(arrival);
    if (refusal !== "preflight") {
      arrival.failure = refusal;
      return ENVELOPES[dialect](refusal);
    }
    return dialect === "plugin" ? new Response("OK") : new Response(null, { status: 204 });
  }
}
