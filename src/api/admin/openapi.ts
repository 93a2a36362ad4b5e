// OpenAPI 3.1 document of the admin's JSON API, from the table of its routes.
import { SCOPE_OF_ROLE } from "../../domain/account.ts";
import { HTTP_STATUS } from "../../errors.ts";
import { VERSION } from "../../version.ts";
import { BASE, neededApiRole } from "./guard.ts";
import type { ApiRoute } from "./route.ts";

const ERROR = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["type", "reason", "message", "field"],
      properties: {
        type: { type: "string", description: "Kind of the failure", enum: [...Object.keys(HTTP_STATUS), "internal_error"] },
        reason: { type: ["string", "null"], description: "More exactly, for programs" },
        message: { type: "string" },
        field: { type: ["string", "null"], description: "The field of the request that is wrong" },
      },
    },
  },
} as const;

const FAILURES = {
  400: "A field is wrong; `field` names it",
  401: "No admin token, or one that is not in force",
  403: "The token's scope or the address does not allow it",
  404: "There is no such thing",
  409: "It is in a state in which this cannot be done",
  413: "The body is too large",
  415: "The body is of another type",
  429: "Too many requests",
  500: "A bug; the log has the details",
  502: "An upstream refused or could not be reached",
  503: "Not now",
  504: "An upstream took too long",
} as const;

/** Tags in the order of their routes. */
export function describeAdminApi(routes: readonly ApiRoute[]) {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) paths[BASE + route.path] = { ...paths[BASE + route.path], [route.method.toLowerCase()]: describe(route) };
  return {
    openapi: "3.1.0",
    info: {
      title: "flow2api admin",
      version: VERSION,
      description: "What the pages of the admin do, for programs. Send an admin token as bearer; its scope is read, operate or admin.",
    },
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Error: ERROR },
      responses: Object.fromEntries(Object.entries(FAILURES).map(([status, description]) => [`Error${status}`, failure(description)])),
      securitySchemes: { adminToken: { type: "http", scheme: "bearer" } },
    },
    security: [{ adminToken: [] }],
  };
}

const failure = (description: string) => ({
  description,
  content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
});

function describe(route: ApiRoute): object {
  const { method, path, tag, summary, description, status, also = {}, response, body, upload, creates } = route;
  const scope = SCOPE_OF_ROLE[neededApiRole(method, path)];
  const parameters = [...pathParameters(path), ...queryParameters(route), ...(creates ? [IDEMPOTENCY] : [])];
  const content = body ? { "application/json": { schema: plain(body) } } : upload ? { [upload.type]: {} } : null;
  const isJson = !("type" in response && typeof response.type === "string" && response.type.includes("/"));
  const success = isJson ? { "application/json": { schema: plain(response) } } : { [String(response.type)]: {} };
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+(\w?)/g, (_match, next: string) => next.toUpperCase())}`,
    tags: [tag],
    summary,
    description: [description, `Scope: ${scope}.`].filter(Boolean).join(" "),
    "x-scope": scope,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(content ? { requestBody: { required: true, content } } : {}),
    responses: {
      [status]: { description: "Success", content: success },
      ...Object.fromEntries(Object.entries(also).map(([code, text]) => [code, { description: text }])),
      ...Object.fromEntries(Object.keys(FAILURES).map((code) => [code, { $ref: `#/components/responses/Error${code}` }])),
    },
  };
}

const IDEMPOTENCY = {
  name: "Idempotency-Key",
  in: "header",
  description: "A repetition with the same key within a day gives the first response, without its secrets",
  schema: { type: "string", minLength: 1, maxLength: 255 },
} as const;

const pathParameters = (path: string) =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name: name!,
    in: "path",
    required: true,
    schema: { type: "string", minLength: 1 },
  }));

function queryParameters({ query }: ApiRoute) {
  if (!query) return [];
  return Object.entries(query.properties as Record<string, { description?: string }>).map(([name, { description, ...schema }]) => ({
    ...{ name, in: "query", required: query.required?.includes(name) ?? false },
    ...(description ? { description } : {}),
    schema: plain(schema),
  }));
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** As JSON Schema: without the symbols of the validator, words as an enumeration. */
function plain(schema: unknown): Json {
  return tidy(JSON.parse(JSON.stringify(schema)) as Json);
}

function tidy(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(tidy);
  if (typeof schema !== "object" || schema === null) return schema;
  const { anyOf, ...rest } = schema;
  const inner = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, tidy(value)]));
  if (!Array.isArray(anyOf)) return inner;
  const words = anyOf.map((one) => (one as { const?: Json }).const);
  if (words.every((word) => typeof word === "string")) return { ...inner, type: "string", enum: words };
  return { ...inner, anyOf: anyOf.map(tidy) };
}
