// Single sign-on: which role a person has whom a trusted proxy or an OpenID provider names. Exact lists, nobody by default.
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import { type AccountRow, type AccountSource, includesRole, ROLES, type Role } from "../../domain/account.ts";

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

/** Of a person's groups those that a list names: nothing else of them is stored. Pure. */
export function listedGroups(groups: readonly string[], { viewers, operators, admins }: Lists): string[] {
  const listed = new Set([...viewers, ...operators, ...admins]);
  return [...new Set(groups.filter((group) => listed.has(`group:${group}`)))].sort();
}

/**
 * Why the admin tokens of an account do not work: `unlisted`: single sign-on lets the person in no more; `unseen`: it has not named them for
 * `sign_in.token_days`; `closed`: nobody signs in that way now.
 */
export const HOLDS = ["unlisted", "unseen", "closed"] as const;
export type Hold = (typeof HOLDS)[number];

/** What admin tokens of an account may do by the settings and by what single sign-on last said. */
export type Standing = { role: Role; hold: Hold | null };

type Vouched = Pick<AccountRow, "source" | "subject" | "role" | "vouchedAt" | "listedGroups">;

const DAY_MS = 86_400_000;

/** @param now epoch ms. Pure. */
export function standingOf(account: Vouched, rules: Settings["sign_in"], now: number): Standing {
  const { source, subject, role, listedGroups: groups, vouchedAt } = account;
  if (source === "password") return { role, hold: rules.password ? null : "closed" };
  const isOpen = source === "header" ? rules.header !== "" : rules.oidc_issuer !== "" && rules.oidc_client_id !== "";
  // Groups of before they were stored: the role of the last sign-in counts until the limit of days.
  const listed = groups === null && namesGroups(rules) ? role : roleOfIdentity({ subject, groups: groups ?? [] }, rules);
  if (listed === null) return { role, hold: "unlisted" };
  const least = includesRole(role, listed) ? listed : role;
  if (!isOpen) return { role: least, hold: "closed" };
  const isUnseen = rules.token_days > 0 && now - (vouchedAt ?? 0) >= rules.token_days * DAY_MS;
  return { role: least, hold: isUnseen ? "unseen" : null };
}

const namesGroups = ({ viewers, operators, admins }: Lists): boolean =>
  [viewers, operators, admins].some((list) => list.some((name) => name.startsWith("group:")));

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
  { oidc_client_secret: _secret, token_days: _days, ...rules }: Settings["sign_in"],
): Promise<number> {
  const mark = new Bun.CryptoHasher("sha256").update(JSON.stringify(rules)).digest("hex");
  const former = await store.readFact(RULES_FACT);
  if (former === mark) return 0;
  const ended = former === null ? 0 : await store.deleteSessions({ account: null, except: null });
  await store.writeFact(RULES_FACT, mark);
  return ended;
}
