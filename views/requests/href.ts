// Addresses of the request list with filters: where every counted figure leads. Pure.
import type { RequestQuery } from "../../src/gateway/reports/request-query.ts";

/** Fields of a list's address; numbers are epoch ms for `from` and `to`, else ids. */
export type RequestFields = { [name in keyof RequestQuery]?: string | number | null | undefined };

const TIMES: ReadonlySet<string> = new Set(["from", "to"]);

const textOf = (name: string, value: string | number) =>
  typeof value === "number" && TIMES.has(name) ? new Date(value).toISOString().replace(":00.000Z", "Z") : `${value}`;

export function requestFields(fields: RequestFields): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]): [string, string][] =>
    value === null || value === undefined || value === "" ? [] : [[name, textOf(name, value)]],
  );
}

/** @param path absent: the list itself */
export function requestsHref(fields: RequestFields, path = "/admin/requests"): string {
  const given = requestFields(fields);
  return given.length > 0 ? `${path}?${new URLSearchParams(given)}` : path;
}
