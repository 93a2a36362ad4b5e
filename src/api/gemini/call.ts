// Call of the Gemini dialect: an admitted request, its model and its signal.

import type { Clock } from "../../clock.ts";
import type { Store } from "../../db/store.ts";
import type { Kind } from "../../domain/generation.ts";
import type { KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import type { Generate } from "../../gateway/generation/contract.ts";
import type { InputDependencies } from "../../gateway/generation/inputs/inputs.ts";
import type { Jobs } from "../../gateway/jobs/contract.ts";
import type { Keys } from "../../gateway/keys/keys.ts";
import { allowsModel, assertPermitted } from "../../gateway/keys/permissions.ts";
import type { MediaStore } from "../../gateway/media/contract.ts";
import type { Catalogue } from "../../gateway/models/catalogue/catalogue.ts";
import type { ModelChoice } from "../../gateway/models/parse-model.ts";
import type { Leases } from "../../gateway/pool/lease-contract.ts";
import type { SettingsStore } from "../../gateway/settings/settings.ts";
import type { SideCallLog } from "../../gateway/side-calls/log.ts";
import type { Log } from "../../log.ts";
import { type Admission, admitBody } from "../admission.ts";
import type { BodyReader } from "../body/body.ts";
import type { Dialect, RequestHead } from "../dialect.ts";

/** Dependencies of the routes of this dialect. */
export type Api = Admission & {
  bodies: BodyReader;
  settings: SettingsStore;
  catalogue: () => Catalogue;
  generate: Generate;
  inputs: InputDependencies;
  media: MediaStore;
  pool: Leases;
  keys: Pick<Keys, "get">;
  sideCalls: SideCallLog;
  store: Pick<Store, "listFiles" | "nameFile" | "fileNamed" | "listFileNames">;
  /** Null: no videos are made, and nothing in the background. */
  jobs?: Jobs | null;
  clock: Clock;
  log: Log;
};

/** One admitted request. */
export type Call = RequestHead & {
  request: Request;
  requestId: string;
  key: KeyRow;
  /** Scheme and host for links, which programs follow: those by which the client called. */
  calledOrigin: string;
  startedAt: number;
  /** Its response has the rate headers of its key. */
  isRated?: boolean;
  /** Whose envelope a failure has; absent: that of its path. */
  dialect?: Dialect | null;
};

const NOUNS = { image: "images", video: "videos" } as const;

/**
 * The meaning of a model's name, with `models/` before it or without.
 * @param kind what the method makes; absent: either
 * @throws {AppError} `not_found` with the nearest known ids, or when the model makes something else
 */
export function modelOf(catalogue: Catalogue, name: string, kind?: Kind): ModelChoice {
  const choice = catalogue.parseModel(name);
  const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  if (!choice) {
    const near = catalogue.nearestModels(name, 3).join(", ");
    throw new AppError("not_found", `models/${shown} is not found. Did you mean: ${near}?`, { param: "model", reason: "model_not_found" });
  }
  if (kind && choice.kind !== kind) {
    throw new AppError("not_found", `models/${shown} makes ${NOUNS[choice.kind]}, which this method does not.`, {
      param: "model",
      reason: "model_not_found",
    });
  }
  return choice;
}

/**
 * As {@link modelOf}, for a request of this key whose body is not read yet.
 * @throws {AppError} also `forbidden` and `limit_exceeded`: what the key may not make is not decoded
 */
export function admittedModel(api: Admission & Pick<Api, "catalogue">, { request, key }: Call, name: string, kind?: Kind): ModelChoice {
  const catalogue = api.catalogue();
  const choice = modelOf(catalogue, name, kind);
  admitBody(api, request, key.id, choice.kind);
  const { requested: model, families } = choice;
  const family = families.find((one) => allowsModel(catalogue, key.models, { model, family: one })) ?? families[0];
  assertPermitted(catalogue, key, { kind: choice.kind, model, family: family ?? model });
  return choice;
}

/** @throws {AppError} `not_found` where nothing is done in the background */
export function jobsOf({ jobs }: Pick<Api, "jobs">): Jobs {
  if (jobs) return jobs;
  throw new AppError("not_found", "No videos are made here, and nothing in the background.");
}
