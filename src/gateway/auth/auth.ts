// Everything that signs people in, built once: sessions, both steps of a login, single sign-on.
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import type { AccountRow } from "../../domain/account.ts";
import type { Log } from "../../log.ts";
import type { Audit } from "../audit/audit.ts";
import { AdminTokens } from "./admin-tokens.ts";
import { type CodeAttempt, createCodeCheck } from "./code-check.ts";
import { CODES_OF_ALL, createLogin, type Login, MemoryLoginCounts } from "./login.ts";
import { OidcSignIn, type SendToProvider } from "./oidc.ts";
import { accountName, createPasswordCheck, type PasswordAttempt } from "./password.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import { SignIn } from "./sign-in.ts";

export type AuthParts = {
  sessions: Sessions;
  signIn: SignIn;
  login: Login<PasswordAttempt, AccountRow>;
  loginCode: Login<CodeAttempt, "code" | "recovery">;
  oidc: OidcSignIn;
  /** Of the JSON API. */
  adminTokens: AdminTokens;
};

type Dependencies = {
  store: Store;
  audit: Audit;
  log: Log;
  now: () => number;
  /** 32 bytes. */
  secret: Uint8Array;
  settings: Settings["sign_in"];
  /** To the OpenID provider. */
  send: SendToProvider;
};

export function createAuthParts({ store, audit, log, now, secret, settings, send }: Dependencies): AuthParts {
  const sessions = createSessions({ store, now, secret });
  const rules = () => settings;
  // Nodes count together: behind a balancer a guesser must not have the tries of each.
  const counts = store.shared ?? new MemoryLoginCounts();
  return {
    sessions,
    signIn: new SignIn({ store, sessions, audit, now, rules }),
    login: createLogin({
      ...{ name: "password", check: createPasswordCheck(store), counts, now },
      subjectOf: ({ name }) => accountName(name),
    }),
    loginCode: createLogin({
      ...{ name: "code", check: createCodeCheck(store, now), counts, now, ofAll: CODES_OF_ALL },
      subjectOf: ({ account }) => account.subject,
    }),
    adminTokens: new AdminTokens({ store, audit, now, rules }),
    oidc: new OidcSignIn({ settings: () => settings, send, now, log }),
  };
}
