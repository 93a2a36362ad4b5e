// Asks before harm: from twenty on, for all that match, and for money. With JavaScript in a dialog, else as a page.
import { fragmentResponse } from "../../views/ui/html.ts";
import type { PageName } from "../../views/ui/nav.ts";
import { Question, type QuestionData } from "../../views/ui/question.tsx";
import type { View } from "../../views/ui/view.ts";
import type { AdminContext } from "./context.ts";
import { isHtmx, page, viewOf } from "./page.ts";

/** So many at once are asked about. */
export const MANY = 20;

/** Fields of the page and its form that the question does not pass on. */
const OWN = new Set(["form_token", "form_page", "form_name", "confirmed"]);

type Asked = Omit<QuestionData, "action" | "fields" | "typed"> & { typed?: string };

/**
 * Null: it was answered with yes. Else the response that asks; `say` words it. Typed wrong, it is asked again.
 * @param confirm what a yes sends: the number of now, so that a yes to another number is asked again
 */
export async function ask(
  ctx: AdminContext,
  request: Request,
  { nav, confirm, say }: { nav: PageName; confirm: string; say: (view: View) => Omit<Asked, "confirm"> },
): Promise<Response | null> {
  const sent = await ctx.forms.fields(request);
  const answer = sent.get("confirmed")?.trim();
  if (answer === confirm) return null;
  const view = viewOf(ctx, request);
  const { typed, ...asked } = say(view);
  const isWrong = typed !== undefined && answer !== undefined;
  const data: QuestionData = {
    ...asked,
    confirm,
    typed: typed === undefined ? undefined : { label: typed, ...(isWrong ? { error: view.t.forms.typeNumber(confirm) } : {}) },
    action: new URL(request.url).pathname,
    fields: [...sent].filter(([name]) => !OWN.has(name)),
  };
  const status = isWrong ? 422 : 200;
  if (!isHtmx(request)) return page(ctx, request, (v) => ({ title: asked.title, nav, status, body: Question({ view: v, data }) }));
  return fragmentResponse(Question({ view, data }), { status, headers: { "hx-retarget": "#question", "hx-reswap": "innerHTML" } });
}
