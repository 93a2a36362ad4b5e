// Secrets of many tokens replaced at once: lines of label and secret, for the tokens that a query names.
import { Elysia } from "elysia";
import { tokensHref } from "../../../views/tokens/token-fields.tsx";
import { ReplacePage } from "../../../views/tokens/token-replace.tsx";
import { matchingIds, readTokenQuery, type TokenQuery } from "../../gateway/tokens/list-tokens.ts";
import { matchSecrets } from "../../gateway/tokens/match-secrets.ts";
import { parseTokens } from "../../gateway/tokens/parse-tokens.ts";
import type { AdminContext } from "../context.ts";
import { fileText } from "../file-text.ts";
import { goTo, page, readForm, viewOf } from "../page.ts";
import type { TokenPages } from "./context.ts";

/** As long as a form without files may be. */
const MAX_TEXT = 32 * 1024 * 1024;
const LINES_NAMED = 20;

export const tokenReplaceRoutes = (ctx: AdminContext, pages: TokenPages) => {
  const rowsOf = (query: TokenQuery) => {
    const items = pages.states();
    const ids = new Set(matchingIds(items, query));
    return items.map(({ row }) => row).filter(({ id }) => ids.has(id));
  };
  return new Elysia({ prefix: "/replace" })
    .get("/", ({ request }) => {
      const query = readTokenQuery(new URL(request.url).searchParams);
      const labels = rowsOf(query).map(({ label }) => label);
      return page(ctx, request, (view) => ({
        title: view.t.tokens.replaceTitle,
        nav: "tokens",
        body: ReplacePage({ view, query, labels }),
      }));
    })
    .post("/", async ({ request, server }) => {
      server?.timeout(request, 0);
      const form = await readForm(ctx, request);
      const { tokens } = viewOf(ctx, request).t;
      const query = readTokenQuery(new URLSearchParams(form.text("query", { max: 4000 })));
      const texts = [form.text("text", { max: MAX_TEXT, verbatim: true }), await fileText(ctx, request)];
      const text = texts.filter((one) => one.trim() !== "").join("\n");
      const { matched, unmatched } = matchSecrets(
        parseTokens(text, { provider: query.provider || undefined, now: ctx.clock.now() }),
        rowsOf(query),
      );
      if (matched.length === 0) form.refuse("text", tokens.replaceNone);
      form.check();
      const { replaced, known } = await pages.admin.replaceSecrets(matched, ctx.sessionContextOf(request));
      const left = unmatched.map(({ line }) => line);
      const notice = tokens.replacedMany(replaced, left.slice(0, LINES_NAMED), Math.max(0, left.length - LINES_NAMED), known.length);
      return goTo(ctx, request, tokensHref(query), { text: notice, tone: left.length + known.length > 0 ? "bad" : "ok" });
    });
};
