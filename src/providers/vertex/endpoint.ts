// Where the calls of a Vertex token go, and with which credential: an account's project and location, or express mode.
import { AppError } from "../../errors.ts";
import { withoutEndSlashes } from "../../http.ts";
import type { GoogleApi } from "../gemini/google-api.ts";
import type { Endpoint } from "../gemini/transport.ts";
import type { ProviderToken } from "../provider.ts";
import { AccessTokens } from "./access-tokens.ts";
import { vertexRefusal } from "./errors.ts";

export const VERTEX: GoogleApi = {
  provider: "vertex",
  title: "Vertex AI",
  refusalOf: vertexRefusal,
  video: { hasFiles: false, pollQuery: "?stream=false", silenceMs: 120_000 },
};

export type VertexAddresses = {
  /** Base of every location, e.g. a proxy of one's own; empty: Google's host of the token's location. */
  baseUrl: string;
  /** Where assertions become access tokens. */
  tokenUrl: string;
};

export const DEFAULT_LOCATION = "global";
/** Locations that have a host of their own beside the regions (locations page, read 2026-11-29). */
const MULTI_REGIONS: ReadonlySet<string> = new Set(["us", "eu"]);
const LOCATION = /^[a-z][a-z0-9-]{1,38}$/;

/** @throws {AppError} `upstream_unauthorized` for what is no location: it becomes part of a host name */
export function locationOf({ location }: ProviderToken): string {
  const name = location || DEFAULT_LOCATION;
  if (LOCATION.test(name)) return name;
  throw new AppError("upstream_unauthorized", "The location of this token is not one of Google Cloud, such as global or us-central1.", {
    detail: { scope: "token", reason: "key_invalid" },
  });
}

/** Google's host of a location. */
export function hostOf(location: string): string {
  if (location === DEFAULT_LOCATION) return "https://aiplatform.googleapis.com";
  return MULTI_REGIONS.has(location)
    ? `https://aiplatform.${location}.rep.googleapis.com`
    : `https://${location}-aiplatform.googleapis.com`;
}

export function vertexEndpoint({ baseUrl, tokenUrl }: VertexAddresses, now: () => number): Endpoint {
  const access = new AccessTokens({ tokenUrl, now });
  const bases = new Map<string, URL>();
  const baseAt = (location: string): URL => {
    const known = bases.get(location);
    if (known) return known;
    const base = new URL(`${withoutEndSlashes(baseUrl || hostOf(location))}/`);
    bases.set(location, base);
    return base;
  };
  return {
    api: VERTEX,
    baseOf: (token) => baseAt("key" in access.secretOf(token) ? DEFAULT_LOCATION : locationOf(token)),
    pathOf(token, resource) {
      const secret = access.secretOf(token);
      const place = "account" in secret ? `projects/${secret.account.project}/locations/${locationOf(token)}/` : "";
      return `v1beta1/${place}${resource.startsWith("models/") ? `publishers/google/${resource}` : resource}`;
    },
    credentialsOf(caller) {
      const secret = access.secretOf(caller.token);
      if ("key" in secret) return { "x-goog-api-key": secret.key };
      const found = access.current(caller);
      return found instanceof Promise ? found.then(({ accessToken }) => bearer(accessToken)) : bearer(found.accessToken);
    },
    identityOf(token) {
      const secret = access.secretOf(token);
      return "account" in secret ? secret.account.email : undefined;
    },
    async renew(caller, refused) {
      const { authorization } = refused;
      if (!authorization) return null;
      return bearer((await access.replace(caller, authorization.slice("Bearer ".length))).accessToken);
    },
    forget: (token) => access.forget(token),
  };
}

const bearer = (accessToken: string) => ({ authorization: `Bearer ${accessToken}` });
