// The description of the API: every route names every response with its schema.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ANSWERS } from "../src/api/openapi/routes.ts";
import { type Rig, startRig } from "./rig.ts";

type Named = { $ref?: string; description?: string; content?: Record<string, { schema: unknown }> };
type Operation = { tags: string[]; summary: string; operationId: string; responses: Record<string, Named> };
type Document = { paths: Record<string, Record<string, Operation>>; components: Record<"responses" | "schemas", Record<string, Named>> };

let rig: Rig;
let document: Document;
beforeAll(async () => {
  rig = await startRig();
  document = (await (await fetch(`${rig.url}/openapi.json`)).json()) as Document;
});
afterAll(() => rig[Symbol.asyncDispose]());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  );
const resolve = (response: Named): Named => (response.$ref ? document.components.responses[response.$ref.split("/").at(-1)!]! : response);
/** Statuses that carry no body. */
const BODILESS = ["304", "416"];

test("no route is left out of the tables, and the tables describe no route that is not there", () => {
  expect(
    operations()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(Object.keys(ANSWERS).sort());
});

const OF_DIALECTS = ["400", "401", "403", "404", "408", "413", "415", "429", "500", "502", "503", "504"];

test("every route of both dialects names success, each failure of its protocol, and their schemas", () => {
  const wrong = operations().flatMap(({ name, operation: { tags, responses } }) => {
    if (tags[0] === "System") return [];
    const wanted = tags[0] === "Plugin" ? ["400", "401", "403", "404", "408", "413", "415", "429", "500", "503"] : OF_DIALECTS;
    const missing = wanted.filter((status) => !(status in responses));
    const hasSuccess = Object.keys(responses).some((status) => status.startsWith("2"));
    return missing.length === 0 && hasSuccess ? [] : [[name, missing]];
  });
  expect(wrong).toEqual([]);
});

test("the server's own routes are there, with what they answer", () => {
  const system = operations().filter(({ operation }) => operation.tags[0] === "System");
  expect(Object.fromEntries(system.map(({ name, operation }) => [name, Object.keys(operation.responses)]))).toEqual({
    "GET /health": ["200"],
    "GET /ready": ["200", "503"],
    "GET /metrics": ["200", "401", "500"],
    "GET /openapi.json": ["200"],
  });
});

test("every response has a description and, where it has a body, a schema that exists", () => {
  const wrong = operations().flatMap(({ name, operation }) =>
    Object.entries(operation.responses).flatMap(([status, named]) => {
      const { description, content } = resolve(named) ?? {};
      const refs = JSON.stringify(content ?? {}).matchAll(/"#\/components\/schemas\/(\w+)"/g);
      const unknown = [...refs].filter(([, schema]) => !(schema! in document.components.schemas));
      const hasBody = BODILESS.includes(status) || Object.values(content ?? {}).some(({ schema }) => schema !== undefined);
      return description && hasBody && unknown.length === 0 ? [] : [[name, status]];
    }),
  );
  expect(wrong).toEqual([]);
});

test("a failure is written down once for each protocol, and referred to", () => {
  const inline = operations().filter(
    ({ operation: { tags, responses } }) =>
      tags[0] !== "System" && Object.entries(responses).some(([status, one]) => status >= "417" && !one.$ref),
  );
  expect(inline.map(({ name }) => name)).toEqual([]);
});

describe("what a client generator needs", () => {
  test("no wildcard is left in a path, and every parameter of a path is described", () => {
    const wrong = Object.entries(document.paths).flatMap(([path, methods]) => {
      const wanted = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
      return Object.values(methods).flatMap((operation) => {
        const { parameters = [] } = operation as { parameters?: { name: string; in: string }[] };
        const given = parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name);
        return path.includes("*") || given.sort().join() !== wanted.join() ? [path] : [];
      });
    });
    expect(wrong).toEqual([]);
  });

  test("operations have ids of their own", () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect([ids.filter((id) => !/^\w+$/.test(id)), new Set(ids).size]).toEqual([[], ids.length]);
  });
});
