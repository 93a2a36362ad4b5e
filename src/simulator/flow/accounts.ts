// Flow accounts in the simulator: sessions, access tokens, plans, credits, projects. Nothing is registered: a secret is its account.
import { type Exchange, fieldsOf, type Incoming, isFields, jsonReply, type Reply, textOf } from "../exchange.ts";
import { ACCESS_TOKEN_INVALID, googleError, invalidArgument, refusalOf } from "../google-errors.ts";
import type { World } from "../world.ts";

const COOKIE = "__Secure-next-auth.session-token";
const TOKEN_PREFIX = "ya29.sim-";

export type Tier = "PAYGATE_TIER_NOT_PAID" | "PAYGATE_TIER_ONE" | "PAYGATE_TIER_TWO";

/** The account of a session secret: a rotated secret keeps its account before the `~`. */
export function accountOf(secret: string): string {
  return secret.split("~", 1)[0]!;
}

/** The session secret in the cookie, or empty. */
export function sessionOf(incoming: Incoming): string {
  for (const pair of (incoming.headers.get("cookie") ?? "").split(";")) {
    const [name, ...value] = pair.trim().split("=");
    if (name === COOKIE) return decodeURIComponent(value.join("="));
  }
  return "";
}

/** The account that an access token speaks for, and whether the token still counts. Null: not one of ours. */
export function readAccessToken(incoming: Incoming, now: number): { account: string; alive: boolean } | null {
  const bearer = /^Bearer (.+)$/i.exec(incoming.headers.get("authorization") ?? "")?.[1] ?? "";
  if (!bearer.startsWith(TOKEN_PREFIX)) return null;
  const [account, expires] = Buffer.from(bearer.slice(TOKEN_PREFIX.length), "base64url").toString().split("\n");
  return account ? { account, alive: Number(expires) > now } : null;
}

/** NextAuth's convention: a session that is dead, or none at all, gets 200 and an object without access_token. */
export function sessionReply({ incoming, world, fired }: Exchange): Reply {
  const secret = sessionOf(incoming);
  const account = accountOf(secret);
  if (account === "" || account.startsWith("dead")) return jsonReply({});
  const expires = world.now() + world.options.accessTokenSeconds * 1000;
  const access = TOKEN_PREFIX + Buffer.from(`${account}\n${expires}\n${world.id(12)}`).toString("base64url");
  const rotates = fired.some(({ fault }) => fault === "rotate");
  const body = {
    user: { name: `Simulated ${account}`, email: `${account.replace(/[^\w.-]/g, "-")}@flow.example`, image: "" },
    expires: new Date(expires).toISOString(),
    access_token: access,
  };
  return jsonReply(
    body,
    200,
    rotates ? { "set-cookie": `${COOKIE}=${account}~${world.id(8)}; Path=/; HttpOnly; Secure; SameSite=Lax` } : {},
  );
}

export function tierOf(account: string): Tier {
  if (account.includes("ultra")) return "PAYGATE_TIER_TWO";
  return account.includes("pro") ? "PAYGATE_TIER_ONE" : "PAYGATE_TIER_NOT_PAID";
}

const FIRST_CREDITS: Record<Tier, number> = { PAYGATE_TIER_NOT_PAID: 100, PAYGATE_TIER_ONE: 1000, PAYGATE_TIER_TWO: 25_000 };

export function creditsOf(world: World, account: string): number {
  return world.shelf<number>("credits").get(account) ?? FIRST_CREDITS[tierOf(account)];
}

/** Takes credits off an account, down to nothing, and returns what remains. */
export function spendCredits(world: World, account: string, cost: number): number {
  const left = Math.max(0, creditsOf(world, account) - cost);
  world.shelf<number>("credits").set(account, left);
  return left;
}

export function creditsReply(world: World, account: string): Reply {
  return jsonReply({ credits: creditsOf(world, account), userPaygateTier: tierOf(account) });
}

type Project = { account: string; title: string };

export function createProject({ incoming, world }: Exchange): Reply {
  const wanted = fieldsOf(incoming.json()?.json);
  if (wanted.toolName !== "PINHOLE" || typeof wanted.projectTitle !== "string") return trpcError(400, "BAD_REQUEST", incoming.path);
  const projectId = world.uuid();
  world.shelf<Project>("projects").set(projectId, { account: accountOf(sessionOf(incoming)), title: wanted.projectTitle });
  return trpcReply({ projectId, projectInfo: { projectTitle: wanted.projectTitle } });
}

export function deleteProject({ incoming, world }: Exchange): Reply {
  const id = textOf(fieldsOf(incoming.json()?.json).projectToDeleteId);
  const project = world.shelf<Project>("projects").get(id);
  if (!project || project.account !== accountOf(sessionOf(incoming))) return trpcError(404, "NOT_FOUND", incoming.path);
  world.shelf<Project>("projects").delete(id);
  return trpcReply({});
}

/**
 * Another account's project is not found. One that the simulator never saw is let pass: it forgets at a restart, clients do not.
 * @throws {Refusal} 404
 */
export function checkProject(world: World, account: string, projectId: string): void {
  const project = world.shelf<Project>("projects").get(projectId);
  if (project && project.account !== account) throw refusalOf(googleError(404, "Requested entity was not found."));
}

/** A tRPC answer as superjson wraps it. */
export function trpcReply(json: unknown): Reply {
  return jsonReply({ result: { data: { json: { result: json, status: 200, statusText: "OK" } } } });
}

export function trpcError(status: number, code: string, path: string): Reply {
  return jsonReply(
    { error: { json: { message: code, code: -32_000, data: { code, httpStatus: status, path: path.split("/").at(-1) } } } },
    status,
  );
}

/** The body as JSON. @throws {Refusal} 400 */
export function flowBody(incoming: Incoming): Record<string, unknown> {
  const body = incoming.json();
  if (!isFields(body)) throw invalidArgument("Invalid JSON payload received.");
  return body;
}

/** The refusal of a call that needs an access token, or null. */
export function checkAccess(incoming: Incoming, now: number): Reply | null {
  return readAccessToken(incoming, now)?.alive ? null : ACCESS_TOKEN_INVALID;
}
