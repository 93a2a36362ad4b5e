// Fixture of the migration that gives admin tokens to accounts: who made which by name, and whose each is then.

/** In order of making. `account`: 1 is the first one, 2 is bea of OpenID; null: it ends. */
export const MADE_BY: readonly [name: string, maker: string, account: number | null][] = [
  ["a", "admin", 1],
  ["b", "bea (OpenID)", 2],
  ["c", "token b", 2],
  ["d", "token c", 2],
  ["e", "token d", 2],
  ["f", "gone", null],
  ["g", "token f", null],
  // Not there yet when it was made.
  ["h", "new", null],
  ["i", "bea", null],
  ["j", "token later", null],
  ["later", "admin", 1],
  // Two of one name by one person, and by several.
  ["twice", "admin", 1],
  ["twice", "token a", 1],
  ["k", "token twice", 1],
  ["shared", "admin", 1],
  ["l", "token shared", 1],
  ["shared", "bea (OpenID)", 2],
  ["m", "token shared", null],
  ["n", "token m", null],
  ["half", "bea (OpenID)", 2],
  ["half", "gone", null],
  ["o", "token half", null],
];

/** What is left. */
export const OWNED = MADE_BY.flatMap(([name, , account]) => (account === null ? [] : [[name, account] as const]));

/** Before and after of the entries of the audit log about what ended. */
export const ENDED = MADE_BY.flatMap(([name, maker, account]) =>
  account === null ? [[{ name, scope: "operate" }, { account: `who made it cannot be told: ${maker}` }] as const] : [],
);
