// Schema validation of parsed bodies: reports the first error, with its field as the client spelled it.
import { getSchemaValidator, type Static, type TSchema } from "elysia";
import { AppError } from "../../errors.ts";
import { expectationOf, mustBe, shownValue } from "./invalid.ts";

/** Checks a value against a schema. @throws {AppError} `invalid_request` with `param` and the expectation */
export type Validator<S extends TSchema> = (value: unknown) => Static<S>;

/** Compiles a schema once, on first use: compiling all of them takes a third of the start. See {@link Validator}. */
export function validator<S extends TSchema>(schema: S): Validator<S> {
  let compiled: ReturnType<typeof getSchemaValidator<S>> | undefined;
  return (value) => {
    compiled ??= getSchemaValidator(schema, { normalize: false });
    if (compiled.Check(value)) return value as Static<S>;
    const found = firstFinding(compiled.Errors(value) as Iterable<Finding>);
    if (!found) throw new AppError("invalid_request", "The request body has an unexpected form.");
    const param = found.path
      .slice(1)
      .replace(/\/(\d+)(?=\/|$)/g, "[$1]")
      .replaceAll("/", ".");
    if (found.value === undefined) {
      throw new AppError("invalid_request", `Missing required parameter: '${param}'.`, { param, reason: "missing_required_parameter" });
    }
    if (!found.schema) throw new AppError("invalid_request", "The request body has an unexpected form.", { param });
    const expected = expectationOf(found.schema, found.value);
    if (param === "") throw new AppError("invalid_request", `The request body must be ${expected}, got ${shownValue(found.value)}.`);
    throw mustBe(param, expected, found.value);
  };
}

type Finding = {
  path: string;
  value?: unknown;
  message: string;
  schema?: Parameters<typeof expectationOf>[0];
  errors?: Iterable<Iterable<Finding>>;
};

/**
 * The first finding; the iterator is lazy, and later findings are not computed. Of a union: the finding of the member that matches deepest,
 * which names the field inside it; without one the union's own.
 */
function firstFinding(findings: Iterable<Finding>): Finding | null {
  const [first] = findings;
  if (!first) return null;
  let best = first;
  for (const member of first.errors ?? []) {
    const inner = firstFinding(member);
    if (inner && inner.path.length > best.path.length) best = inner;
  }
  return best;
}
