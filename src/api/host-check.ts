// Host and Origin check of MCP requests, against DNS rebinding: known names and pages only. Pure.
import ipaddr from "ipaddr.js";
import { AppError } from "../errors.ts";

export type HostRules = {
  /** Scheme and host that the operator set; empty: none. */
  publicUrl: string;
  /** Further host names that the operator set. */
  hosts: readonly string[];
};

/** Endings that no registry of public names has (RFC 6761, RFC 6762, RFC 8375, ICANN's `.internal`), and two that routers give. */
const LOCAL_ENDINGS = [".localhost", ".local", ".internal", ".home.arpa", ".lan", ".home"];

/**
 * The refusal of a request whose `Host` a stranger could have pointed here, or which the page of another site sends; null: it may pass.
 * A rebinding attack needs a public name of its own: addresses, single words and local endings are none.
 * @param host as the client called it, with or without a port; null: it sent none
 */
export function hostRefusal(host: string | null, origin: string | null, rules: HostRules): AppError | null {
  const name = host === null ? null : hostNameOf(host);
  const known = new Set([hostNameOf(URL.parse(rules.publicUrl)?.host ?? ""), ...rules.hosts.map(hostNameOf)]);
  known.delete("");
  if (name === null || !(known.has(name) || isLocalName(name))) return refused(`the host name ${shown(name ?? "")}`);
  if (origin === null || origin === "") return null;
  const page = URL.parse(origin);
  // Apps have schemes of their own, which no web page has; "null" is the origin of pages that hide theirs.
  if (page !== null && !/^https?:$/.test(page.protocol)) return null;
  const from = page === null ? "" : hostNameOf(page.host);
  return from !== "" && (from === name || known.has(from) || isThisMachine(from)) ? null : refused(`pages of ${shown(origin)}`);
}

/** Lower case, without port, brackets and final dot. */
function hostNameOf(host: string): string {
  const bare = host.trim().toLowerCase();
  return (/^\[([^\]]*)\]/.exec(bare)?.[1] ?? bare.replace(/:\d*$/, "")).replace(/\.$/, "");
}

const isThisMachine = (name: string): boolean =>
  name === "localhost" || name.endsWith(".localhost") || (ipaddr.isValid(name) && ipaddr.process(name).range() === "loopback");

function isLocalName(name: string): boolean {
  if (name === "") return false;
  if (ipaddr.isValid(name)) return true;
  return !name.includes(".") || LOCAL_ENDINGS.some((ending) => name.endsWith(ending));
}

const shown = (text: string) => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

const refused = (what: string) =>
  new AppError(
    "forbidden",
    `MCP is not served to ${what}. The operator allows it by server.public_url, the address that clients use, or by server.mcp_hosts.`,
    { reason: "host_not_allowed" },
  );
