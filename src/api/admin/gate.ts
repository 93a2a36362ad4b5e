// Verdicts about requests to the admin: pages by session or a proxy's header, the JSON API by admin token.
import type { AppError } from "../../errors.ts";
import type { AdminTokens } from "../../gateway/auth/admin-tokens.ts";
import type { Late } from "../../late.ts";
import { forwardedHost, isTrusted, publicOrigin } from "../address.ts";
import type { Arrival } from "../arrival.ts";
import { authorize, DOCUMENT } from "./guard.ts";

/** A request as the guard of the pages sees it. */
type AtPages = {
  path: string;
  query: string;
  address: string | null;
  secure: boolean;
  forwardedHost: string | null;
  isFromProxy: boolean;
};

/** What the pages of the admin decide about requests under `/admin`, and how they answer. */
export type AdminEntry = {
  guard: {
    decide(request: Request, at: AtPages): Promise<{ headers: Record<string, string>; refusal: { to: string } | AppError | null }>;
    sessionContextOf(request: Request): { session: unknown };
    hasSeen(request: Request): boolean;
  };
  errorResponse(request: Request, error: unknown): Response;
};

type Dependencies = {
  /** The pages, loaded with the first request to them. */
  pages: Late<AdminEntry>;
  /** Of every response. */
  headers: Readonly<Record<string, string>>;
  tokens: AdminTokens;
  trustProxy: readonly string[];
  /** Whether the admin is open to an address. */
  isAllowed(address: string | null): boolean;
};

export class AdminGate {
  constructor(private readonly deps: Dependencies) {}

  /** The guard of the pages where it has let the request in or refused it; null: the request is not theirs. */
  guardOf(request: Request): AdminEntry["guard"] | null {
    const guard = this.pages?.guard;
    return guard?.hasSeen(request) ? guard : null;
  }

  /** Null until a request was for them. */
  get pages(): AdminEntry | null {
    return this.deps.pages.loaded;
  }

  /** Null: it is let in. */
  async askForPage(arrival: Arrival): Promise<Response | null> {
    const { headers, pages } = this.deps;
    arrival.headers = headers;
    const { guard, errorResponse } = await pages.load();
    const verdict = await this.#decide(guard, arrival);
    arrival.headers = { ...headers, ...verdict.headers };
    if (verdict.refusal === null) return null;
    if ("to" in verdict.refusal) return new Response(null, { status: 303, headers: { location: verdict.refusal.to } });
    return errorResponse(arrival.request, verdict.refusal);
  }

  /** Stores the token that the request came with. @throws {AppError} `forbidden`, `unauthorized` */
  async askForToken(arrival: Arrival): Promise<null> {
    const { request, path, address } = arrival;
    arrival.headers = this.deps.headers;
    const authorization = request.headers.get("authorization");
    if (path === DOCUMENT && authorization === null) {
      const { guard } = await this.deps.pages.load();
      const { refusal, headers } = await this.#decide(guard, arrival);
      arrival.headers = { ...arrival.headers, ...headers };
      if (refusal === null) return null;
    }
    arrival.adminToken = await authorize(this.deps, { method: request.method, path, address, authorization });
    return null;
  }

  #decide(guard: AdminEntry["guard"], { request, path, query, peer, address }: Arrival) {
    const { trustProxy } = this.deps;
    return guard.decide(request, {
      path,
      query,
      address,
      secure: publicOrigin(request, peer, { public_url: "", trust_proxy: trustProxy }).startsWith("https:"),
      forwardedHost: forwardedHost(peer, request.headers, trustProxy),
      isFromProxy: isTrusted(peer, trustProxy),
    });
  }
}
