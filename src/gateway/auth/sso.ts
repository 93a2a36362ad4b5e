// Single sign-on: which role a person has whom a trusted proxy or an OpenID provider names. Exact lists, nobody by default.
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import { type AccountSource, ROLES, type Role } from "../../domain/account.ts";

/** A person as somebody else vouches for them. */
export type Identity = {
  source: Exclude<AccountSource, "password">;
  /** Compared exactly with the lists. */
  subject: string;
  /** For people to read. */
  name: string;
  groups: readonly string[];
};

type Lists = Pick<Settings["sign_in"], "viewers" | "operators" | "admins">;

/** The highest role whose list names the subject, or one of the groups as `group:NAME`; null: not on any list. Pure. */
export function roleOfIdentity({ subject, groups }: Pick<Identity, "subject" | "groups">, lists: Lists): Role | null {
  const names = new Set(groups.map((group) => `group:${group}`));
  // A subject that looks like a group is not one.
  if (!subject.startsWith("group:")) names.add(subject);
  const byRole = { viewer: lists.viewers, operator: lists.operators, admin: lists.admins } as const satisfies Record<Role, unknown>;
  return ROLES.findLast((role) => byRole[role].some((name) => names.has(name))) ?? null;
}

/** Names and groups that a header may hold. */
const MAX_HEADER = 1000;

/** The person that the headers of a trusted proxy name; null: none. Pure. */
export function identityOfHeaders(headers: Headers, settings: Pick<Settings["sign_in"], "header" | "groups_header">): Identity | null {
  if (settings.header === "") return null;
  const subject = headers.get(settings.header)?.trim() ?? "";
  if (subject === "" || subject.length > MAX_HEADER) return null;
  const groups = settings.groups_header === "" ? "" : (headers.get(settings.groups_header) ?? "").slice(0, MAX_HEADER * 10);
  return {
    source: "header",
    subject,
    name: subject,
    groups: groups
      .split(",")
      .map((group) => group.trim())
      .filter((group) => group !== ""),
  };
}

const RULES_FACT = "sign_in_rules";

/**
 * Ends every session when the settings of sign-in have changed since the last start: who was taken off a list, or signed in by a way that is
 * closed now, must not go on. Resolves with how many ended.
 */
export async function endSessionsOfFormerRules(
  store: Pick<Store, "readFact" | "writeFact" | "deleteSessions">,
  { oidc_client_secret: _secret, ...rules }: Settings["sign_in"],
): Promise<number> {
  const mark = new Bun.CryptoHasher("sha256").update(JSON.stringify(rules)).digest("hex");
  const former = await store.readFact(RULES_FACT);
  if (former === mark) return 0;
  const ended = former === null ? 0 : await store.deleteSessions({ account: null, except: null });
  await store.writeFact(RULES_FACT, mark);
  return ended;
}
