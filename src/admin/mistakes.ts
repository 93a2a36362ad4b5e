// A refused form: its page again, with what was typed and the mistakes, status 422.

import type { AdminGuard } from "./auth/guard.ts";
import type { AdminContext } from "./context.ts";
import { carryFormState } from "./form-state.ts";
import type { FormError } from "./forms.ts";
import { ownPath } from "./own-path.ts";
import { isHtmx } from "./page.ts";

type Dependencies = {
  ctx: Pick<AdminContext, "forms">;
  guard: Pick<AdminGuard, "admitsToo">;
  /** Handles a request as a page of the admin does, past the pipeline. */
  handle(request: Request): Promise<Response>;
};

/** The page of the form, in the way that it was sent; null where the form does not say of which page it is, or may not be shown it. */
export async function pageOfMistakes(
  { ctx, guard, handle }: Dependencies,
  request: Request,
  { wrong }: FormError,
): Promise<Response | null> {
  const values = await ctx.forms.fields(request);
  const path = ownPath(values.get("form_page"), { otherwise: "" });
  if (path === "") return null;
  const url = new URL(path, request.url);
  const headers = new Headers(request.headers);
  for (const name of ["hx-request", "content-type", "content-length", "transfer-encoding"]) headers.delete(name);
  const asked = new Request(url, { headers });
  // The page is one like any other: whoever may not open it does not get it by a form either.
  if (!(await guard.admitsToo(asked, request))) return null;
  const state = { action: new URL(request.url).pathname, name: values.get("form_name") ?? "", values, wrong };
  carryFormState(asked, state, isHtmx(request));
  const response = await handle(asked);
  if (response.status === 422) return response;
  // What it streams, and holds for that, ends.
  await response.body?.cancel();
  return null;
}
