// Sign-in: opens the session of a person who has proved who they are, writes it down, and reports new networks.
import type { Store } from "../../db/store.ts";
import { type AccountRow, includesRole, type Role } from "../../domain/account.ts";
import type { Audit } from "../audit/audit.ts";
import { withLostTokens } from "./admin-tokens.ts";
import { throttleKey } from "./login.ts";
import type { Session, Sessions } from "./sessions.ts";
import type { Identity } from "./sso.ts";

/** How a person proved who they are. */
export type SignInWay = "password" | "code" | "recovery" | "header" | "oidc";

/** A sign-in of an account that has signed in before, from a network that it never came from. */
export type NewNetworkSignIn = { account: string; address: string | null; agent: string; way: SignInWay; at: number };

type Dependencies = { store: Store; sessions: Sessions; audit: Audit; now: () => number };
type From = { address: string | null; agent: string; way: SignInWay };

export class SignIn {
  readonly #listeners = new Set<(event: NewNetworkSignIn) => void>();

  constructor(private readonly deps: Dependencies) {}

  /** Calls `listener` at every sign-in from a new network (IPv4 address, IPv6 /64). Returns what ends that. */
  onNewNetwork(listener: (event: NewNetworkSignIn) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Opens a session. `before`: the id of the session that the browser came with, which ends. */
  async open(account: AccountRow, from: From, before: string | null = null): Promise<{ id: string; session: Session }> {
    const { store, sessions, audit, now } = this.deps;
    const { address, agent, way } = from;
    if (before !== null) await sessions.close(before);
    const opened = await sessions.open({ account, address, agent });
    const isNew = await store.noteSignIn(account.id, throttleKey(address), now());
    const actor = actorOf(account);
    const after = { way, ...(isNew ? { new_network: true } : {}) };
    await audit.record({ action: "session.open", subject: actor, after }, { address, actor });
    if (isNew) for (const listener of this.#listeners) listener({ account: actor, address, agent, way, at: now() });
    return opened;
  }

  /** The account of a person from single sign-on, made at the first time, with the role of now. */
  async accountOf({ source, subject, name }: Identity, role: Role): Promise<AccountRow> {
    const { store, audit, now } = this.deps;
    const shown = name.slice(0, 200);
    const known = await store.findAccount(source, subject);
    if (known && known.role === role && known.name === shown) return known;
    if (known) {
      const [actor, why] = [actorOf(known), `${actorOf(known)} is ${role}`];
      const change = () => store.updateAccount(known.id, { role, name: shown });
      const changed = await withLostTokens(this.deps, { account: known, role, why }, { address: null, actor }, change);
      // The former role ends with its sessions when it was the higher one.
      if (!includesRole(role, known.role)) await this.deps.sessions.closeAll({ account: known.id });
      return changed;
    }
    const account = await store.insertAccount({ source, subject, name: shown, role, passwordHash: null, passwordTemporary: false }, now());
    const actor = actorOf(account);
    await audit.record({ action: "account.create", subject: actor, after: { source, subject, role } }, { address: null, actor });
    return account;
  }

  /** Of somebody whom no list names: whatever they had before ends. */
  async endAccess({ source, subject }: Identity): Promise<void> {
    const known = await this.deps.store.findAccount(source, subject);
    if (!known) return;
    const [actor, why] = [actorOf(known), `${actorOf(known)} is on no list of sign_in`];
    const end = () => this.deps.store.deleteAdminTokensOf(known.id);
    await withLostTokens(this.deps, { account: known, role: null, why }, { address: null, actor }, end);
    await this.deps.sessions.closeAll({ account: known.id });
  }
}

/** How the audit log names an account: two sources may know the same name. */
export function actorOf({ name, source }: Pick<AccountRow, "name" | "source">): string {
  return source === "password" ? name : `${name} (${source === "oidc" ? "OpenID" : "proxy"})`;
}
