// State of a refused form, carried by the request that renders its page again.

import type { FormState } from "../../views/ui/form-state.ts";

type Carried = { state: FormState; isHtmx: boolean };

const carried = new WeakMap<Request, Carried>();

export function carryFormState(request: Request, state: FormState, isHtmx: boolean): void {
  carried.set(request, { state, isHtmx });
}

/** Null: the page is asked for, no form was refused. */
export const formStateOf = (request: Request): FormState | null => carried.get(request)?.state ?? null;

/** Whether htmx sent the form that was refused. */
export const isSentByHtmx = (request: Request): boolean => carried.get(request)?.isHtmx ?? false;
