// Accounts of the admin: roles, where a sign-in comes from, and the account itself.

/** Least first: a later role may do all that an earlier one may. */
export const ROLES = ["viewer", "operator", "admin"] as const;
/** `viewer` reads; `operator` runs pool, keys and jobs; `admin` also settings, backups and accounts. */
export type Role = (typeof ROLES)[number];

export const ACCOUNT_SOURCES = ["password", "header", "oidc"] as const;
/** What vouches for an account: its own password, a header of a trusted proxy, or an OpenID provider. */
export type AccountSource = (typeof ACCOUNT_SOURCES)[number];

/** The account of the first start: its role does not change and it is never deleted. */
export const FIRST_ACCOUNT = 1;

/** Whether a role includes another. */
export const includesRole = (role: Role, needed: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(needed);

/** Roles that may do more. */
export const rolesAbove = (role: Role): readonly Role[] => ROLES.slice(ROLES.indexOf(role) + 1);

/** An account. Times are epoch ms. */
export type AccountRow = {
  id: number;
  source: AccountSource;
  /** Its name at its source: the user name, the header's value, or the provider's `sub`. Unique per source. */
  subject: string;
  /** Shown to people and written into the audit log. */
  name: string;
  role: Role;
  /** argon2id; null: there is no password. */
  passwordHash: string | null;
  /** The password was made by somebody else and has to be replaced first. */
  passwordTemporary: boolean;
  /** Base32 secret of one-time codes; null: sign-in has one step. */
  totpSecret: string | null;
  /** Last time step whose code was used: no code counts twice. */
  totpStep: number;
  /** SHA-256 in hex of the recovery codes that are left. */
  recoveryHashes: readonly string[];
  createdAt: number;
  signedInAt: number | null;
  /** When single sign-on last named the person; null: it never did. */
  vouchedAt: number | null;
  /** Which groups of the lists it named then; null: not known. */
  listedGroups: readonly string[] | null;
};

/** A bearer token of the admin's JSON API. Times are epoch ms. */
export type AdminTokenRow = {
  id: number;
  /** Written into the audit log as who acts. */
  name: string;
  /** Its first characters, for people to tell tokens apart. */
  prefix: string;
  /** What it may do: as an account of that role. */
  role: Role;
  /** Who made it, by name. */
  createdBy: string;
  /** The account behind it: it ends with it. Null: made before accounts were noted, by nobody who is known. */
  accountId: number | null;
  createdAt: number;
  expiresAt: number | null;
  usedAt: number | null;
};

/** How the API names roles. */
export const SCOPES = ["read", "operate", "admin"] as const;
export type Scope = (typeof SCOPES)[number];
export const ROLE_OF_SCOPE = { read: "viewer", operate: "operator", admin: "admin" } as const satisfies Record<Scope, Role>;
export const SCOPE_OF_ROLE = { viewer: "read", operator: "operate", admin: "admin" } as const satisfies Record<Role, Scope>;
