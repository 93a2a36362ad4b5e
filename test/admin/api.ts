// The admin's JSON API for tests: a caller with a token of a scope, and a check of every response against the document.
import Ajv from "ajv/dist/2020";
import formats from "ajv-formats";
import { FIRST_ACCOUNT, type Scope } from "../../src/domain/account.ts";
import type { Rig } from "../rig.ts";

type Operation = {
  "x-scope": Scope;
  responses: Record<string, { $ref?: string; content?: Record<string, { schema?: object }> }>;
};
export type AdminDocument = {
  paths: Record<string, Record<string, Operation>>;
  components: { responses: Record<string, { content: Record<string, { schema: object }> }>; schemas: Record<string, object> };
};

// biome-ignore lint/suspicious/noExplicitAny: what a test reads of a response
type Answer = { status: number; body: any; headers: Headers };
export type Caller = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;

export const BASE = "/admin/api/v1";

/** A token of a scope, as the account page makes it. */
export async function tokenOf({ context }: Rig, scope: Scope, name = `${scope} bot`): Promise<string> {
  return (await context.adminTokens.issue({ name, scope, expiresAt: null, accountId: FIRST_ACCOUNT }, { address: null, actor: "admin" }))
    .token;
}

export async function documentOf(rig: Rig, token: string): Promise<AdminDocument> {
  const response = await fetch(`${rig.url}${BASE}/openapi.json`, { headers: { authorization: `Bearer ${token}` } });
  return (await response.json()) as AdminDocument;
}

/** Calls the API; a response that the document does not describe is an error of the test. */
export async function callerOf(rig: Rig, scope: Scope = "admin"): Promise<Caller> {
  const token = await tokenOf(rig, scope);
  const check = checkerOf(await documentOf(rig, token));
  return async (method, path, body, headers = {}) => {
    const response = await fetch(`${rig.url}${BASE}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && !(body instanceof Blob) ? { "content-type": "application/json" } : {}),
        ...headers,
      },
      body: body === undefined ? undefined : body instanceof Blob ? body : JSON.stringify(body),
    });
    const isJson = response.headers.get("content-type")?.includes("json");
    const answer = { status: response.status, body: isJson ? await response.json() : await response.bytes(), headers: response.headers };
    check(method, path, answer);
    return answer;
  };
}

function checkerOf(document: AdminDocument) {
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats(ajv as unknown as Parameters<typeof formats>[0]);
  ajv.addSchema({ $id: "doc", components: document.components });
  const routes = Object.entries(document.paths).map(([path, methods]) => ({
    path,
    methods,
    pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
  }));
  return (method: string, path: string, { status, body }: Answer) => {
    const asked = BASE + path.split("?")[0]!;
    const found = routes.filter(({ pattern, methods }) => pattern.test(asked) && method.toLowerCase() in methods);
    const route = found.find(({ path: one }) => one === asked) ?? found[0];
    if (!route) return;
    const named = route.methods[method.toLowerCase()]!.responses[status];
    if (!named) throw new Error(`${method} ${asked} answers ${status}, which is not described: ${JSON.stringify(body)}`);
    const content = (named.$ref ? document.components.responses[named.$ref.split("/").at(-1)!]! : named).content ?? {};
    const schema = content["application/json"]?.schema;
    if (!schema) return;
    const validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll("#/components/", "doc#/components/")));
    if (!validate(body)) throw new Error(`${method} ${asked}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body).slice(0, 500)}`);
    refuseUndescribed(body, schema as Shape, `${method} ${asked}`);
  };
}

type Shape = { properties?: Record<string, Shape>; items?: Shape; anyOf?: Shape[]; type?: string };

/** A field that the document does not name must not be sent: nobody has looked at it. */
function refuseUndescribed(value: unknown, shape: Shape, where: string): void {
  const fitting = [shape, ...(shape.anyOf ?? [])];
  if (Array.isArray(value)) {
    const items = fitting.find((one) => one.items)?.items;
    if (items) for (const one of value) refuseUndescribed(one, items, where);
    return;
  }
  const properties = fitting.find((one) => one.properties)?.properties;
  if (typeof value !== "object" || value === null || !properties) return;
  for (const [name, inner] of Object.entries(value)) {
    if (!properties[name]) throw new Error(`${where} sends ${name}, which is not described.`);
    refuseUndescribed(inner, properties[name], `${where} ${name}`);
  }
}
