// OpenAPI 3.1 document: the mounted routes, with every response and its schema.
import { toOpenAPISchema } from "@elysiajs/openapi/openapi";
import type { AnyElysia } from "elysia";
import { omit } from "../../domain/omit.ts";
import { VERSION } from "../../version.ts";
import { failureComponents, failuresOf, type Protocol } from "./failures.ts";
import { ANSWERS, EXPANSIONS, type Expansion, PATH_VALUES, type RouteAnswers } from "./routes.ts";
import { SCHEMAS, type SchemaName } from "./schemas.ts";

type Operation = {
  tags?: string[];
  summary?: string;
  operationId?: string;
  hide?: boolean;
  requestBody?: unknown;
  parameters?: { name: string; in: string }[];
};

/** A route that the tables leave out; a test finds it. */
const UNDESCRIBED: RouteAnswers = { success: { 200: { "*/*": "bytes" } } };

/** Describes these routes. */
export function describeApi(routes: AnyElysia["routes"]) {
  // All that the plugin asks of an app.
  const app = { getGlobalRoutes: () => routes, getGlobalDefinitions: () => ({ type: {} }) } as unknown as AnyElysia;
  const { paths, components } = toOpenAPISchema(app, { staticFile: false });
  const described: Record<string, Record<string, object>> = {};
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods as Record<string, Operation>)) {
      for (const expansion of EXPANSIONS[`${method.toUpperCase()} ${path}`] ?? [{ path }]) {
        described[expansion.path] = { ...described[expansion.path], [method]: describeOperation(method, expansion, operation) };
      }
    }
  }
  return {
    openapi: "3.1.0",
    info: { title: "flow2api", version: VERSION, description: "Google's image and video models behind OpenAI's and Gemini's APIs." },
    paths: described,
    components: {
      ...components,
      schemas: { ...components?.schemas, ...SCHEMAS },
      responses: failureComponents(),
      securitySchemes: { key: { type: "http", scheme: "bearer" } },
    },
    security: [{ key: [] }],
  };
}

function describeOperation(method: string, { path, summary, body }: Expansion, operation: Operation): object {
  const rest = omit(operation, ["hide"]);
  const responses = ANSWERS[`${method.toUpperCase()} ${path}`] ?? UNDESCRIBED;
  const parameters = [...pathParameters(path), ...queryParameters(responses)];
  const isOpen = responses.failures !== undefined;
  return {
    ...rest,
    ...(summary ? { summary } : {}),
    operationId: `${method}${path.replaceAll(/[^A-Za-z0-9]+(\w?)/g, (_match, next: string) => next.toUpperCase())}`,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: { required: true, content: { "application/json": { schema: body } } } } : {}),
    responses: { ...successes(responses), ...failures(responses, operation.tags?.[0]) },
    ...(isOpen ? { security: [] } : {}),
  };
}

const pathParameters = (path: string) =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => {
    const values = PATH_VALUES[name!];
    return { name: name!, in: "path", required: true, schema: { type: "string", ...(values ? { enum: values } : { minLength: 1 }) } };
  });

const queryParameters = ({ query = {} }: RouteAnswers) =>
  Object.entries(query).map(([name, { description, schema }]) => ({ name, in: "query", description, schema }));

const refTo = (name: SchemaName) => ({ schema: { $ref: `#/components/schemas/${name}` } });
const CONTENTS = { text: { schema: { type: "string" } }, bytes: { schema: {} } } as const;

const PHRASES: Readonly<Record<string, string>> = {
  202: "It is made as a job",
  206: "The part that was asked for",
  304: "It has not changed",
  416: "There is no such part",
};

function successes({ success }: RouteAnswers): Record<string, object> {
  return Object.fromEntries(
    Object.entries(success).map(([status, content]) => {
      const description = PHRASES[status] ?? "Success";
      if (content === null) return [status, { description }];
      const types = typeof content === "string" ? { "application/json": content } : content;
      const described = Object.entries(types).map(([type, what]) => [
        type,
        what === "text" || what === "bytes" ? CONTENTS[what] : refTo(what),
      ]);
      return [status, { description, content: Object.fromEntries(described) }];
    }),
  );
}

function failures({ failures: own }: RouteAnswers, tag = ""): Record<string, object> {
  if (own === undefined) return failuresOf(tag as Protocol);
  return Object.fromEntries(
    Object.entries(own).map(([status, name]) => [status, { description: "Not now", content: { "application/json": refTo(name) } }]),
  );
}
