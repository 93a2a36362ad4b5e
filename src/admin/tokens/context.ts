// Token pages context: actions, pending deletions, usage, and the visible tokens.

import { adviceText, outcomeText } from "../../../views/tokens/token-fields.tsx";
import type { Notice } from "../../../views/ui/messages.tsx";
import type { View } from "../../../views/ui/view.ts";
import { AppError } from "../../errors.ts";
import { TokenDeletions } from "../../gateway/tokens/delete-tokens.ts";
import type { TokenItem } from "../../gateway/tokens/list-tokens.ts";
import { TokenAdmin } from "../../gateway/tokens/manage-tokens.ts";
import { createTokenUsages, type TokenUsages } from "../../gateway/tokens/token-usage.ts";
import type { AdminContext } from "../context.ts";
import type { FormReader } from "../forms.ts";
import { viewOf } from "../page.ts";

export type TokenPages = {
  admin: TokenAdmin;
  removals: TokenDeletions;
  usages: TokenUsages;
  /** Every token that is not deleted, in no order. */
  items(): TokenItem[];
  /** @throws {AppError} `not_found` */
  item(id: string): TokenItem;
};

export function createTokenPages(ctx: AdminContext): TokenPages {
  const { store, pool, tokens, refresher, audit, settings, clock, log, stopping, refresh } = ctx;
  const { now } = clock;
  const removals = new TokenDeletions({ store, clock, log, stopping, refresh });
  return {
    admin: new TokenAdmin({ store, pool, tokens, refresher, audit, settings: () => settings.current().pool, now, refresh }),
    removals,
    usages: createTokenUsages({ store, now }),
    items() {
      const rows = pool.rows();
      return pool
        .snapshot()
        .map((view, index) => ({ view, row: rows[index]! }))
        .filter(({ row }) => !removals.isRemoved(row.id));
    },
    item(id) {
      const view = pool.view(Number(id));
      const row = view && pool.rows().find((one) => one.id === view.id);
      if (!view || !row || removals.isRemoved(row.id)) throw new AppError("not_found", `There is no token ${id}.`);
      return { view, row };
    },
  };
}

/** Where a form comes from, to go back there: one of our own pages of tokens, or the overview. */
export function backOf(form: FormReader, otherwise = "/admin/tokens"): string {
  const back = form.text("back", { max: 2000 });
  return /^\/admin(\/tokens([/?#]|$)|$)/.test(back) ? back : otherwise;
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

/** Deletes tokens and says how to take that back. */
export async function removeTokens(ctx: AdminContext, pages: TokenPages, request: Request, ids: readonly number[]): Promise<Notice> {
  const removal = await pages.removals.remove(ids);
  await auditEach(ctx, request, "token.delete", removal.ids);
  return {
    text: viewOf(ctx, request).t.tokens.removed(removal.ids.length),
    undo: { action: `/admin/tokens/removals/${removal.name}/restore` },
  };
}

/** One entry of the audit log for each token, so that each has its own history. */
export async function auditEach(ctx: AdminContext, request: Request, action: string, ids: readonly number[]): Promise<void> {
  const by = ctx.sessionContextOf(request);
  await Promise.all(ids.map((id) => ctx.audit.record({ action, subject: `token ${id}` }, by)));
}
