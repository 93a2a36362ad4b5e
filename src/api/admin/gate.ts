// Verdicts about requests to the admin: pages by session or a proxy's header, the JSON API by admin token.
import type { AppError } from "../../errors.ts";
import type { AdminTokens } from "../../gateway/auth/admin-tokens.ts";
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
  /** Of every response. */
  headers: Readonly<Record<string, string>>;
  errorResponse(request: Request, error: unknown): Response;
};

type Dependencies = {
  tokens: AdminTokens;
  trustProxy: readonly string[];
  /** Whether the admin is open to an address. */
  isAllowed(address: string | null): boolean;
};

export class AdminGate {
  /** Set before the first request. */
  pages: AdminEntry | null = null;

  constructor(private readonly deps: Dependencies) {}

  /** Null: it is let in. */
  async askForPage(arrival: Arrival): Promise<Response | null> {
    arrival.headers = this.pages!.headers;
    const verdict = await this.#decide(arrival);
    arrival.headers = { ...this.pages!.headers, ...verdict.headers };
    if (verdict.refusal === null) return null;
    if ("to" in verdict.refusal) return new Response(null, { status: 303, headers: { location: verdict.refusal.to } });
    return this.pages!.errorResponse(arrival.request, verdict.refusal);
  }

  /** Stores the token that the request came with. @throws {AppError} `forbidden`, `unauthorized` */
  async askForToken(arrival: Arrival): Promise<null> {
    const { request, path, address } = arrival;
    arrival.headers = this.pages!.headers;
    const authorization = request.headers.get("authorization");
    if (path === DOCUMENT && authorization === null) {
      const { refusal, headers } = await this.#decide(arrival);
      arrival.headers = { ...arrival.headers, ...headers };
      if (refusal === null) return null;
    }
    arrival.adminToken = await authorize(this.deps, { method: request.method, path, address, authorization });
    return null;
  }

  #decide({ request, path, query, peer, address }: Arrival) {
    const { trustProxy } = this.deps;
    return this.pages!.guard.decide(request, {
      path,
      query,
      address,
      secure: publicOrigin(request, peer, { public_url: "", trust_proxy: trustProxy }).startsWith("https:"),
      forwardedHost: forwardedHost(peer, request.headers, trustProxy),
      isFromProxy: isTrusted(peer, trustProxy),
    });
  }
}
