// Sign-in: opens the session of a person who has proved who they are, writes it down, and reports new networks.
import type { Settings } from "../../config/settings-schema.ts";
import type { AccountChange } from "../../db/accounts.ts";
import type { Store } from "../../db/store.ts";
import { type AccountRow, includesRole, type Role } from "../../domain/account.ts";
import type { Audit } from "../audit/audit.ts";
import { withLostTokens } from "./admin-tokens.ts";
import { throttleKey } from "./login.ts";
import type { Session, Sessions } from "./sessions.ts";
import { type Identity, listedGroups, standingOf } from "./sso.ts";

/** How a person proved who they are. */
export type SignInWay = "password" | "code" | "recovery" | "header" | "oidc";

/** A sign-in of an account that has signed in before, from a network that it never came from. */
export type NewNetworkSignIn = { account: string; address: string | null; agent: string; way: SignInWay; at: number };

type Dependencies = { store: Store; sessions: Sessions; audit: Audit; now: () => number; rules: () => Settings["sign_in"] };

/** How exactly it is known when single sign-on named a person last, ms. */
const VOUCH_MS = 3_600_000;
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
  async accountOf(identity: Identity, role: Role): Promise<AccountRow> {
    const { store, audit, now, rules } = this.deps;
    const { source, subject, name } = identity;
    const known = await store.findAccount(source, subject);
    if (known) return this.vouch(known, identity, role);
    const vouched = { vouchedAt: now(), listedGroups: listedGroups(identity.groups, rules()) };
    const account = await store.insertAccount(
      { source, subject, name: shownOf(name), role, passwordHash: null, passwordTemporary: false, ...vouched },
      now(),
    );
    const actor = actorOf(account);
    await audit.record({ action: "account.create", subject: actor, after: { source, subject, role } }, { address: null, actor });
    return account;
  }

  /** Notes that single sign-on names the person of an account now, and with which role. Resolves with the account as it is then. */
  async vouch(known: AccountRow, { name, groups }: Pick<Identity, "name" | "groups">, role: Role): Promise<AccountRow> {
    const { store, now, rules } = this.deps;
    const vouched = { vouchedAt: now(), listedGroups: listedGroups(groups, rules()) };
    if (known.role === role && known.name === shownOf(name)) {
      const isFresh = known.vouchedAt !== null && Math.abs(now() - known.vouchedAt) < VOUCH_MS;
      if (isFresh && Bun.deepEquals(known.listedGroups, vouched.listedGroups)) return known;
      return store.updateAccount(known.id, vouched);
    }
    return this.#changeRole(known, { role, name: shownOf(name), ...vouched });
  }

  async #changeRole(known: AccountRow, change: AccountChange & { role: Role }): Promise<AccountRow> {
    const { store, sessions } = this.deps;
    const { role } = change;
    const [actor, why] = [actorOf(known), `${actorOf(known)} is ${role}`];
    const write = () => store.updateAccount(known.id, change);
    const changed = await withLostTokens(this.deps, { account: known, role, why }, { address: null, actor }, write);
    // The former role ends with its sessions when it was the higher one.
    if (!includesRole(role, known.role)) await sessions.closeAll({ account: known.id });
    return changed;
  }

  /** Of somebody whom no list names: whatever they had before ends. */
  async endAccess({ source, subject }: Pick<Identity, "source" | "subject">): Promise<void> {
    const known = await this.deps.store.findAccount(source, subject);
    if (!known) return;
    const [actor, why] = [actorOf(known), `${actorOf(known)} is on no list of sign_in`];
    const end = () => this.deps.store.deleteAdminTokensOf(known.id);
    await withLostTokens(this.deps, { account: known, role: null, why }, { address: null, actor }, end);
    await this.deps.sessions.closeAll({ account: known.id });
  }

  /** Ends or cuts the tokens of people whom the lists name no more, or with less, and who did not come to be told so. */
  async endFormerAccess(): Promise<void> {
    const { store, rules, now } = this.deps;
    const ids = [...new Set((await store.listAdminTokens()).flatMap(({ accountId }) => accountId ?? []))];
    for (const account of await store.listAccounts({ ids })) {
      const { source, subject, role: former } = account;
      if (source === "password") continue;
      const { role, hold } = standingOf(account, rules(), now());
      if (hold === "unlisted") await this.endAccess({ source, subject });
      else if (role !== former) await this.#changeRole(account, { role });
    }
  }
}

const shownOf = (name: string): string => name.slice(0, 200);

/** How the audit log names an account: two sources may know the same name. */
export function actorOf({ name, source }: Pick<AccountRow, "name" | "source">): string {
  return source === "password" ? name : `${name} (${source === "oidc" ? "OpenID" : "proxy"})`;
}
