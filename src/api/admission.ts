// Admission of a request: the key's limits, before its body is read and before its inputs are fetched.

import type { Kind } from "../domain/generation.ts";
import type { AdmissionControl } from "../gateway/limits/contract.ts";
import { idempotencyKeyOf } from "./generation-headers.ts";

export type Admission = { limits: Pick<AdmissionControl, "assertMayStart"> };

/** Bodies up to this size are read before limits apply: side calls are free, also for a key at its limit. */
const EXPENSIVE_BYTES = 64 * 1024;

/** @throws {AppError} `forbidden`, `limit_exceeded` */
export function admitBody({ limits }: Admission, request: Request, keyId: number, kind: Kind | null): void {
  const length = request.headers.get("content-length");
  limits.assertMayStart(keyId, kind, (length === null || Number(length) > EXPENSIVE_BYTES) && !isRepeatable(request));
}

/** @throws {AppError} as {@link admitBody} */
export function admitInputs({ limits }: Admission, request: Request, keyId: number): void {
  limits.assertMayStart(keyId, null, !isRepeatable(request));
}

/** A repetition returns the first request's result, which is already counted. */
const isRepeatable = (request: Request) => idempotencyKeyOf(request) !== undefined;
