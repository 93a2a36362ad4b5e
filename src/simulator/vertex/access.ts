// Who calls the simulated Vertex: access tokens minted for assertions, or the key of express mode.
import { type Exchange, type Incoming, jsonReply, type Reply, type Route } from "../exchange.ts";
import * as errors from "../google-errors.ts";
import { OPERATIONS, type Operation } from "../operations.ts";
import type { World } from "../world.ts";
import { readAssertion } from "./accounts.ts";

/** Where a request says that its model lies; null in express mode, which names no project. */
export type Place = { project: string; location: string } | null;

type Granted = { email: string; project: string; until: number };

const granted = (world: World) => world.shelf<Granted>("vertex-tokens");

/** `POST /token`. */
export function mintRoute(incoming: Incoming, world: World): Route {
  const form = new URLSearchParams(new TextDecoder().decode(incoming.bytes));
  const claims = readAssertion(form.get("assertion") ?? "", world.now());
  const secret = "refusal" in claims ? "" : claims.iss;
  const run = (exchange: Exchange): Reply => {
    if (form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer")
      return errors.oauthError("unsupported_grant_type", "Invalid grant_type");
    if ("refusal" in claims) return errors.oauthError("invalid_grant", claims.refusal);
    const seconds = exchange.world.options.accessTokenSeconds - 1;
    const token = `ya29.c.${exchange.world.id(60)}`;
    const project = claims.iss.slice(claims.iss.indexOf("@") + 1).split(".", 1)[0]!;
    granted(exchange.world).set(token, { email: claims.iss, project, until: exchange.world.now() + seconds * 1000 });
    return jsonReply({ access_token: token, expires_in: seconds, token_type: "Bearer" });
  };
  return { operation: "vertex.token", secret, denied: null, run };
}

/** A route of this API: the credentials are read and judged here. */
export function vertex(
  incoming: Incoming,
  world: World,
  { operation, place, model, run }: { operation: Operation; place: Place; model?: string; run: Route["run"] },
): Route {
  const caller = callerOf(incoming, world);
  const base = { operation, ...(model ? { model } : {}), run };
  if ("denied" in caller) return { ...base, secret: caller.secret, denied: caller.denied };
  const denied = judge(caller, place, OPERATIONS[operation].generating || operation === "vertex.count-tokens", model);
  return { ...base, secret: caller.secret, project: caller.project, denied };
}

type Caller = { secret: string; project: string; isExpress: boolean };

function callerOf(incoming: Incoming, world: World): Caller | { secret: string; denied: Reply } {
  const key = incoming.headers.get("x-goog-api-key") ?? "";
  const bearer = /^Bearer (\S+)$/.exec(incoming.headers.get("authorization") ?? "")?.[1];
  if (bearer !== undefined) {
    const grant = granted(world).get(bearer);
    const secret = grant?.email ?? "";
    if (key !== "")
      return { secret, denied: errors.googleError(400, "Multiple authentication credentials received. Please pass only one.") };
    if (!grant || grant.until <= world.now()) return { secret, denied: errors.ACCESS_TOKEN_INVALID };
    return { secret, project: grant.project, isExpress: false };
  }
  if (key === "") return { secret: "", denied: errors.ACCESS_TOKEN_INVALID };
  if (key.startsWith("bad")) return { secret: key, denied: errors.API_KEY_INVALID };
  return { secret: key, project: `express-${key.split(".", 1)[0]}`, isExpress: true };
}

/** What the account may do in the place that it names. */
function judge({ secret, project, isExpress }: Caller, place: Place, usesModel: boolean, model = ""): Reply | null {
  if (!usesModel) return null;
  if (isExpress) return place === null ? null : errors.ACCESS_TOKEN_INVALID;
  if (place === null) return errors.googleError(400, "A project is expected in the path of a request with an access token.");
  const resource = `projects/${place.project}/locations/${place.location}/publishers/google/models/${model}`;
  if (place.project.startsWith("gone")) return errors.PROJECT_MISSING;
  if (place.project.startsWith("noapi")) return errors.API_DISABLED;
  return place.project !== project || secret.startsWith("noiam") ? errors.iamDenied(resource) : null;
}
