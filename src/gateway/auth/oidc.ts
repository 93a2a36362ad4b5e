// OpenID Connect sign-in: code flow with PKCE, state and nonce; every request to the provider goes through the SSRF guard.
import type { Configuration, CustomFetch, IDToken } from "openid-client";
import type { Settings } from "../../config/settings-schema.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Identity } from "./sso.ts";

/** What a started sign-in has to find again at its end. */
export type PendingOidc = { state: string; nonce: string; verifier: string; redirectUri: string };

/** The provider's description and keys are read again after this time. */
const CONFIGURATION_MS = 3_600_000;
/** Seconds that a request to the provider may take. */
const TIMEOUT_S = 10;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Sends to the provider. The SSRF guard: addresses that are not public are refused with what `refuse` makes of it. */
export type SendToProvider = (request: {
  url: URL;
  method: "GET" | "POST";
  headers: Record<string, string>;
  body: string | undefined;
  signal: AbortSignal;
  refuse(message: string): AppError;
}) => Promise<Response>;

type Dependencies = { settings: () => Settings["sign_in"]; send: SendToProvider; now: () => number; log: Log };

export class OidcSignIn {
  #known: { at: number; configuration: Promise<Configuration> } | null = null;

  constructor(private readonly deps: Dependencies) {}

  /** Whether a provider is set. */
  isOn(): boolean {
    const { oidc_issuer, oidc_client_id } = this.deps.settings();
    return oidc_issuer !== "" && oidc_client_id !== "";
  }

  /** Where the browser is sent to. @throws {AppError} `unavailable` when the provider cannot be asked */
  async begin(redirectUri: string): Promise<{ url: string; pending: PendingOidc }> {
    const client = await import("openid-client");
    const configuration = await this.#configuration();
    const pending: PendingOidc = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
      redirectUri,
    };
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: this.deps.settings().oidc_scopes,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: "S256",
    });
    return { url: url.href, pending };
  }

  /**
   * The person that the provider names. `query`: of the URL that the browser came back to.
   * @throws {AppError} `unauthorized` when anything of the response is not as it must be
   */
  async finish(query: string, { state, nonce, verifier, redirectUri }: PendingOidc): Promise<Identity> {
    const client = await import("openid-client");
    const configuration = await this.#configuration();
    try {
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true };
      const tokens = await client.authorizationCodeGrant(configuration, new URL(`${redirectUri}?${query}`), checks);
      const claims = tokens.claims()!;
      const groups = groupsOf(claims, this.#claim) ?? (await this.#groupsOfUserInfo(configuration, tokens.access_token, claims.sub));
      return { source: "oidc", subject: claims.sub, name: nameOf(claims), groups };
    } catch (error) {
      if (error instanceof AppError) throw error;
      this.deps.log.warn("OpenID sign-in refused", { reason: reasonOf(error) });
      throw new AppError("unauthorized", `The response of the sign-in provider was refused: ${reasonOf(error)}.`, {
        reason: "oidc_refused",
        cause: error,
      });
    }
  }

  get #claim(): string {
    return this.deps.settings().oidc_groups_claim;
  }

  /** Some providers list groups there only. */
  async #groupsOfUserInfo(configuration: Configuration, accessToken: string, subject: string): Promise<string[]> {
    if (this.#claim === "" || !configuration.serverMetadata().userinfo_endpoint) return [];
    const { fetchUserInfo } = await import("openid-client");
    return groupsOf(await fetchUserInfo(configuration, accessToken, subject), this.#claim) ?? [];
  }

  async #configuration(): Promise<Configuration> {
    const { now, log } = this.deps;
    if (!this.#known || now() - this.#known.at > CONFIGURATION_MS) this.#known = { at: now(), configuration: this.#discover() };
    try {
      return await this.#known.configuration;
    } catch (error) {
      this.#known = null;
      if (error instanceof AppError) throw error;
      log.warn("OpenID provider unusable", { reason: reasonOf(error) });
      throw new AppError("unavailable", `The sign-in provider cannot be used: ${reasonOf(error)}.`, { reason: "oidc_away", cause: error });
    }
  }

  async #discover(): Promise<Configuration> {
    const { oidc_issuer, oidc_client_id, oidc_client_secret } = this.deps.settings();
    const issuer = new URL(oidc_issuer);
    const isInsecure = issuer.protocol === "http:";
    if (isInsecure && !LOOPBACK.test(issuer.hostname))
      throw new AppError("unavailable", "sign_in.oidc_issuer: expected an https address; http is for this machine only.", {
        reason: "oidc_away",
      });
    const client = await import("openid-client");
    return client.discovery(
      issuer,
      oidc_client_id,
      undefined,
      oidc_client_secret === "" ? client.None() : client.ClientSecretBasic(oidc_client_secret),
      {
        execute: [client.enableNonRepudiationChecks, ...(isInsecure ? [client.allowInsecureRequests] : [])],
        timeout: TIMEOUT_S,
        [client.customFetch]: this.#fetch,
      },
    );
  }

  readonly #fetch: CustomFetch = async (url, { method, headers, body, signal }) => {
    const refuse = (message: string) =>
      new AppError("unavailable", `The sign-in provider cannot be reached. ${message}`, { reason: "oidc_away" });
    return this.deps.send({
      url: new URL(url),
      method: method === "POST" ? "POST" : "GET",
      headers,
      body: body === null || body === undefined ? undefined : String(body),
      signal: signal ?? AbortSignal.timeout(TIMEOUT_S * 1000),
      refuse,
    });
  };
}

function groupsOf(claims: Record<string, unknown>, claim: string): string[] | null {
  const value = claims[claim];
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((group) => typeof group === "string") : null;
}

function nameOf(claims: IDToken): string {
  const names = [claims.preferred_username, claims.email, claims.name, claims.sub];
  return names.find((name): name is string => typeof name === "string" && name.trim() !== "")!;
}

/** The library's own words; what a provider wrote is left out but for its error code. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  const cause = error.cause instanceof AppError ? error.cause.message : null;
  if (cause) return cause.replace(/\.$/, "");
  if ("error" in error && typeof error.error === "string") return error.error.replace(/[^\w-]/g, "").slice(0, 60);
  return error.message.slice(0, 200);
}
