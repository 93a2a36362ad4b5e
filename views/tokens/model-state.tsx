// State of one model of a token: what holds the token as a whole holds all its models.
import type { TokenItem } from "../../src/gateway/tokens/list-tokens.ts";
import { Badge, HealthBadge } from "../ui/controls.tsx";
import { Countdown } from "../ui/figures.tsx";
import type { View } from "../ui/view.ts";
import { adviceText, reasonText } from "./token-fields.tsx";

/** `isDenied`: by the lists of the token. */
export type TokenModel = { id: string; title: string; isDenied: boolean };

export function ModelState({
  view,
  item: { view: token },
  model,
}: {
  view: View;
  item: TokenItem;
  model: Pick<TokenModel, "id" | "isDenied">;
}) {
  const { tokens } = view.t;
  if (model.isDenied) return <Badge tone="off">{tokens.modelDenied}</Badge>;
  const held = token.health.state === "healthy" ? token.models.find(({ family }) => family === model.id) : token.health;
  if (!held) return <HealthBadge view={view} state="healthy" />;
  const { state, reason, until } = held;
  return (
    <span class="row">
      <HealthBadge view={view} state={state} reason={reason ? adviceText(view, reason) : undefined} />
      {reason && reason !== "operator" && <small>{reasonText(view, reason)}</small>}
      {until !== null && (
        <small>
          <Countdown view={view} value={until} />
        </small>
      )}
    </span>
  );
}
