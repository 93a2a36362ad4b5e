// Token pages context: actions, deleted tokens, usage, and the tokens of the pool.

import { adviceText, outcomeText } from "../../../views/tokens/token-fields.tsx";
import type { Notice } from "../../../views/ui/messages.tsx";
import type { View } from "../../../views/ui/view.ts";
import { AppError } from "../../errors.ts";
import type { TokenState } from "../../gateway/pool/snapshot.ts";
import { DeletedTokens } from "../../gateway/tokens/delete-tokens.ts";
import type { TokenItem } from "../../gateway/tokens/list-tokens.ts";
import { type Changed, TokenAdmin } from "../../gateway/tokens/manage-tokens.ts";
import { readRowFacts, type TokenRowFacts } from "../../gateway/tokens/row-facts.ts";
import { createTokenUsages, type TokenUsages } from "../../gateway/tokens/token-usage.ts";
import type { AdminContext } from "../context.ts";
import type { FormReader } from "../forms.ts";
import { ownPath } from "../own-path.ts";
import { undoable } from "../undo.ts";

export type TokenPages = {
  admin: TokenAdmin;
  deleted: DeletedTokens;
  usages: TokenUsages;
  /** What rows of the list show besides health. */
  facts(items: readonly TokenItem[]): Promise<Map<number, TokenRowFacts>>;
  /** Every token that is not deleted, with its state. */
  states(): TokenState[];
  /** @throws {AppError} `not_found` */
  item(id: string): TokenItem;
};

export function createTokenPages(ctx: AdminContext): TokenPages {
  const { store, pool, tokens, refresher, audit, undo, settings, clock, refresh } = ctx;
  const { now } = clock;
  return {
    admin: new TokenAdmin({ store, pool, tokens, refresher, audit, undo, settings: () => settings.current().pool, now, refresh }),
    deleted: new DeletedTokens({ store, audit, undo, now, refresh }),
    usages: createTokenUsages({ store, now }),
    facts: (items) =>
      readRowFacts(
        {
          store,
          videoFamilies: () =>
            ctx
              .catalogue()
              .families("video")
              .map(({ id }) => id),
          now,
        },
        items,
      ),
    states: () => pool.states(),
    item(id) {
      const view = pool.view(Number(id));
      const row = view && pool.rowOf(view.id);
      if (!view || !row) throw new AppError("not_found", `There is no token ${id}.`);
      return { view, row };
    },
  };
}

/** Where a form comes from, to go back there: one of our own pages of tokens, or the overview. */
export function backOf(form: FormReader, otherwise = "/admin/tokens"): string {
  return ownPath(form.text("back", { max: 4000, verbatim: true }), { within: /^\/admin(\/tokens(\/|$)|$)/, otherwise });
}

/** Why a check failed, in the language of the page. */
function failureText(view: View, { kind, detail }: AppError): string {
  return detail ? adviceText(view, detail.reason) : outcomeText(view, kind);
}

/** What came of a check; null: it works. */
export function checkNotice(view: View, label: string, failure: AppError | null): Notice {
  const { checked, checkFailed } = view.t.tokens;
  return failure ? { text: checkFailed(label, failureText(view, failure)), tone: "bad" } : { text: checked(label) };
}

export function secretNotice(view: View, label: string, failure: AppError | null): Notice {
  const { replaced, replacedFailed } = view.t.tokens;
  return failure ? { text: replacedFailed(label, failureText(view, failure)), tone: "bad" } : { text: replaced(label) };
}

/** What an action on tokens came to, with the way back. `say` words the count. */
export const changedNotice = ({ count, undoId }: Changed, say: (count: number) => string): Notice => undoable(say(count), undoId);
