// Service accounts among tokens: which texts are one, and what their JSON says of group and account. Pure.
import { isServiceAccount, parseServiceAccount } from "../../domain/cloud-account.ts";
import type { NewToken, TokenChange, TokenRow } from "../../domain/token.ts";

/** The provider of service accounts and of keys of express mode. */
export const CLOUD = "vertex";

/** Whether a text is a JSON credential of Google Cloud, usable or not: no other provider has such secrets. */
export const isCloudText = (text: string): boolean => parseServiceAccount(text) !== null;

/** What the operator did not say of a token and its secret does: its project is its group, its e-mail address its account. */
export function withAccount<T extends Pick<NewToken, "provider" | "secret" | "group" | "identity">>(token: T): T {
  if (token.provider !== CLOUD) return token;
  const account = parseServiceAccount(token.secret);
  if (!isServiceAccount(account)) return token;
  return { ...token, group: token.group ?? account.project, identity: token.identity ?? account.email };
}

/** Locations of Google Cloud by their form: `global`, `eu`, `us-central1`. */
const LOCATION = /^[a-z][a-z0-9-]{1,38}$/;

/** The location as it is stored: null for the provider's default. Undefined: it is none. */
export function readLocation(text: string): string | null | undefined {
  const name = text.trim().toLowerCase();
  if (name === "" || name === "global") return null;
  return LOCATION.test(name) ? name : undefined;
}

/** A change with what it makes untrue: what one location has says nothing of another. */
export function withLocation<T extends TokenChange>(change: T, { location }: Pick<TokenRow, "location">): T {
  if (change.location === undefined || change.location === location) return change;
  return { ...change, families: null, checkedAt: null };
}
