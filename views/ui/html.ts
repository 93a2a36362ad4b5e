// Renders JSX to an HTML Response. preact escapes every value; no HTML is written as a string.
import type { VNode } from "preact";
import { render } from "preact-render-to-string";

const HEADERS = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store", vary: "cookie, accept-language" } as const;

type ResponseOptions = { status?: number; headers?: Record<string, string> };

/** A whole document. */
export function documentResponse(node: VNode, { status = 200, headers = {} }: ResponseOptions = {}): Response {
  return new Response(`<!doctype html>${render(node)}`, { status, headers: { ...HEADERS, ...headers } });
}

/** A part of a page, for htmx to put in place. */
export function fragmentResponse(node: VNode, { status = 200, headers = {} }: ResponseOptions = {}): Response {
  return new Response(render(node), { status, headers: { ...HEADERS, ...headers } });
}

/** The text of a fragment, e.g. for a frame of an event stream. */
export const fragmentText = (node: VNode): string => render(node);
