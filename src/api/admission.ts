// Permissions and limits of a key, checked before its body is read and before what the body names is fetched.

import type { Kind } from "../domain/generation.ts";
import type { AdmissionControl } from "../gateway/limits/contract.ts";

export type Admission = { limits: Pick<AdmissionControl, "assertMayStart"> };

/** A smaller body is read sooner than counted: clients' side calls cost nothing, and are answered also when nothing is left. */
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

/** A repetition gets what the first request made, whatever is left. */
const isRepeatable = (request: Request) => request.headers.has("idempotency-key");
