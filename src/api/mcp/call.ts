// Call of an MCP tool: the admitted request behind it, its dependencies, and the progress that it reports.

import type { Clock } from "../../clock.ts";
import type { Kind } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import type { KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import type { Generate } from "../../gateway/generation/contract.ts";
import type { Affinity } from "../../gateway/generation/inputs/affinity.ts";
import type { InputDependencies } from "../../gateway/generation/inputs/inputs.ts";
import type { InputReference } from "../../gateway/generation/inputs/unresolved-turn.ts";
import type { Jobs } from "../../gateway/jobs/contract.ts";
import type { AdmissionControl } from "../../gateway/limits/contract.ts";
import type { MediaStore } from "../../gateway/media/contract.ts";
import type { Previews } from "../../gateway/media/previews.ts";
import type { Catalogue } from "../../gateway/models/catalogue/catalogue.ts";
import type { ModelChoice } from "../../gateway/models/parse-model.ts";
import type { Leases } from "../../gateway/pool/lease-contract.ts";
import type { SettingsStore } from "../../gateway/settings/settings.ts";
import type { Log } from "../../log.ts";
import { idempotencyKeyOf, insists } from "../generation-headers.ts";

/** Dependencies of the tools. */
export type Api = {
  limits: Pick<AdmissionControl, "assertMayStart">;
  settings: SettingsStore;
  catalogue: () => Catalogue;
  generate: Generate;
  inputs: InputDependencies;
  media: Pick<MediaStore, "get" | "open" | "endRequest">;
  affinity: Affinity;
  pool: Leases;
  /** Null: there are no background jobs, and with them no videos. */
  jobs?: Jobs | null;
  previews: Previews;
  clock: Clock;
  log: Log;
};

/** Facts of one admitted HTTP request, which may call several tools. */
export type McpRequest = {
  request: Request;
  key: KeyRow;
  /** Scheme and host for links that people open. */
  origin: string;
  startedAt: number;
  /** Id of the next tool call: the request's own for the first. */
  nextCallId(): string;
  /** Runs when the response was sent whole; a client that left before has not got its result. */
  onSent(task: () => void): void;
};

/** One call of a tool. */
export type Call = McpRequest & {
  requestId: string;
  /** Aborts when the client leaves. */
  signal: AbortSignal;
  progress: { say(words: string): void };
};

export type Content =
  | { type: "text"; text: string }
  | { type: "image"; data: string; mimeType: string }
  | { type: "resource_link"; uri: string; name: string; title?: string; mimeType: string; size?: number; description?: string };

export type ToolResult = { content: Content[]; _meta?: { [name: string]: unknown } };

/** A job in a result, for programs; models read the text. */
export const jobMeta = ({ id, kind, state, progress }: Job) => ({ "flow2api/job": { id, kind, state, progress: Math.floor(progress) } });

/** What every generating tool takes about repetitions. */
export type Repetition = { idempotency_key?: string | null; again?: boolean | null };

/** The argument goes before the header, which a client sends with every call. */
export const repetitionOf = ({ request }: Call, { idempotency_key, again }: Repetition) => ({
  idempotencyKey: idempotency_key?.trim() || idempotencyKeyOf(request),
  insist: again === true || insists(request),
});

/**
 * Asked before what a call names is fetched. A repetition returns the first call's result, which is already counted.
 * @throws {AppError} `forbidden`, `limit_exceeded`
 */
export const admitInputs = ({ limits }: Api, call: Call, kind: Kind, repetition: Repetition): void =>
  limits.assertMayStart(call.key.id, kind, repetitionOf(call, repetition).idempotencyKey === undefined);

/** The meaning of a model id; without one the default. @throws {AppError} `not_found` with the nearest known ids, or for a model of the other kind */
export function modelOf(api: Api, given: string | null | undefined, kind: "image" | "video"): ModelChoice {
  const catalogue = api.catalogue();
  const id = given?.trim() || catalogue.defaultFamily(kind);
  const choice = catalogue.parseModel(id);
  const shown = id.length > 80 ? `${id.slice(0, 80)}…` : id;
  if (choice?.kind === kind) return choice;
  const message = choice
    ? `The model '${shown}' makes ${choice.kind}s: call ${choice.kind === "image" ? "generate_image" : "generate_video"} with it.`
    : `The model '${shown}' does not exist. Did you mean: ${catalogue.nearestModels(id, 3).join(", ")}?`;
  throw new AppError("not_found", message, { param: "model", reason: "model_not_found" });
}

/** An image or a video as a model names it: a link, a data URL, or the id of an uploaded file. */
export const referenceOf = (text: string, param: string): InputReference => {
  const url = text.trim();
  return { type: "reference", url: url.startsWith("file-") ? `file:${url}` : url, param, trusted: true };
};
