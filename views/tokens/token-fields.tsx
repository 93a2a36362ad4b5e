// Shared parts of the token pages: URLs with filters, health texts, unlabelled fields.

import type { ComponentChildren } from "preact";
import type { ErrorKind } from "../../src/errors.ts";
import type { ShownReason } from "../../src/gateway/pool/health/reasons.ts";
import type { HealthView } from "../../src/gateway/pool/snapshot.ts";
import type { TokenQuery } from "../../src/gateway/tokens/list-tokens.ts";
import { HealthBadge } from "../ui/controls.tsx";
import { Countdown } from "../ui/figures.tsx";
import type { View } from "../ui/view.ts";

const PARAMETERS = ["q", "provider", "group", "tag", "health", "reason"] as const;

/** Query string of a list of tokens, without its `?`; what asks for nothing is left out. */
export function tokenQueryText(query: TokenQuery): string {
  const params = new URLSearchParams();
  for (const name of PARAMETERS) if (query[name] !== "") params.set(name, query[name]);
  if (query.sort !== "health") params.set("sort", query.sort);
  if (query.descending) params.set("order", "desc");
  if (query.after !== "") params.set("after", query.after);
  return params.toString();
}

/** Address of the list with some of the query changed; any change leads to the first page. */
export function tokensHref(query: TokenQuery, change: Partial<TokenQuery> = {}): string {
  const text = tokenQueryText({ ...query, after: "", ...change });
  return text === "" ? "/admin/tokens" : `/admin/tokens?${text}`;
}

export const tokenHref = (id: number, part = ""): string => `/admin/tokens/${id}${part}`;

export const reasonText = (view: View, reason: ShownReason): string => view.t.tokens.reasons[reason];
export const adviceText = (view: View, reason: ShownReason): string => view.t.health[reason];
/** An attempt's outcome: `ok` or an ErrorKind. */
export const outcomeText = (view: View, outcome: string): string => view.t.tokens.outcomes[outcome as ErrorKind | "ok"] ?? outcome;

/** State, reason in a word, and what is left of it; the advice on hover. */
export function HealthLine({ view, health }: { view: View; health: HealthView }) {
  const { state, reason, until } = health;
  return (
    <>
      <HealthBadge view={view} state={state} reason={reason ? adviceText(view, reason) : undefined} />
      {reason && reason !== "operator" && <small>{reasonText(view, reason)}</small>}
      {until !== null && (
        <small>
          <Countdown view={view} value={until} />
        </small>
      )}
    </>
  );
}

/** Values that a field proposes. */
export function Choices({ id, values }: { id: string; values: readonly string[] }) {
  return (
    <datalist id={id}>
      {values.map((value) => (
        <option key={value} value={value} />
      ))}
    </datalist>
  );
}

export const Lines = ({ children }: { children: ComponentChildren }) => <div class="lines">{children}</div>;
