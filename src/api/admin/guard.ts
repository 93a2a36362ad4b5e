// Guard of the admin's JSON API: address, bearer token, scope, decided before a body is read.
import { type AdminTokenRow, includesRole, SCOPE_OF_ROLE } from "../../domain/account.ts";
import { AppError } from "../../errors.ts";
import type { AdminTokens } from "../../gateway/auth/admin-tokens.ts";
import { neededRole } from "../../gateway/auth/roles.ts";

export const BASE = "/admin/api/v1";

/** Its description, which a signed-in browser may read too. */
export const DOCUMENT = `${BASE}/openapi.json`;

/** The page whose rule guards a path of the API: same areas, but for what the account page holds. */
const PAGE_OF: readonly [RegExp, string][] = [
  [/^\/(accounts|sessions)(?=\/|$)/, "/account/people"],
  [/^\/admin-tokens(?=\/|$)/, "/account/api-tokens"],
  [/^\/(backups?|restore)(?=\/|$)/, "/system/backup"],
];

/** The least role of a request, by the rules of the admin's pages. `path`: below {@link BASE}. Pure. */
export function neededApiRole(method: string, path: string) {
  const [pattern, page] = PAGE_OF.find(([one]) => one.test(path)) ?? [];
  return neededRole(method, `/admin${pattern ? path.replace(pattern, page!) : path}`);
}

type Dependencies = { tokens: AdminTokens; isAllowed(address: string | null): boolean };
type Asked = { method: string; path: string; authorization: string | null; address: string | null };

/** The token of a request. @throws {AppError} `forbidden`, `unauthorized` */
export async function authorize({ tokens, isAllowed }: Dependencies, asked: Asked): Promise<AdminTokenRow> {
  if (!isAllowed(asked.address)) throw new AppError("forbidden", "The admin is not open to this address.", { reason: "not_allowed" });
  const presented = /^bearer +(\S+)$/i.exec(asked.authorization ?? "")?.[1];
  if (!presented) throw unauthorized('Missing admin token. Send it as "Authorization: Bearer YOUR_ADMIN_TOKEN".');
  const token = await tokens.find(presented);
  if (!token) throw unauthorized("The admin token is unknown or has expired. A key of a client is not one.");
  const needed = neededApiRole(asked.method, asked.path.slice(BASE.length));
  if (!includesRole(token.role, needed))
    throw new AppError("forbidden", `This needs the scope ${SCOPE_OF_ROLE[needed]}; the token has ${SCOPE_OF_ROLE[token.role]}.`, {
      reason: "scope_missing",
    });
  return token;
}

const unauthorized = (message: string) => new AppError("unauthorized", message, { reason: "invalid_admin_token" });
