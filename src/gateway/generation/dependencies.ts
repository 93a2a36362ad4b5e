// What a generation works with: pool, limits, media, providers, records.

import type { Clock, Random } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { RequestLog } from "../../db/store.ts";
import type { Log } from "../../log.ts";
import type { Metrics } from "../../metrics.ts";
import type { Provider } from "../../providers/provider.ts";
import type { Traces } from "../../traces.ts";
import type { AdmissionControl } from "../limits/contract.ts";
import type { MediaStore } from "../media/contract.ts";
import type { MemoryBudget } from "../media/memory-budget.ts";
import type { Catalogue } from "../models/catalogue/catalogue.ts";
import type { Leases } from "../pool/lease-contract.ts";
import type { Credentials } from "../tokens/credentials.ts";
import type { Affinity } from "./inputs/affinity.ts";
import type { HoldBytes } from "./inputs/request-text.ts";
import type { RunningGenerations } from "./running-generations.ts";
import type { Undelivered } from "./undelivered/undelivered.ts";

export type GenerateDependencies = {
  pool: Leases;
  limits: AdmissionControl;
  providers: ReadonlyMap<string, Provider>;
  tokens: Credentials;
  affinity: Affinity;
  media: Pick<MediaStore, "get" | "store" | "discard" | "assertSpace" | "claimInputs">;
  requests: Pick<RequestLog, "append">;
  settings: () => Settings;
  catalogue: () => Catalogue;
  metrics: Metrics;
  /** Absent: OpenTelemetry is off. */
  traces?: Traces;
  clock: Clock;
  random: Random;
  log: Log;
  /** Absent: a run that its client left is cut. */
  undelivered?: Undelivered;
  /** Absent: the text of waiting requests is not counted. */
  holdBytes?: HoldBytes;
  /** Of results in memory; absent: one of its own. */
  memory?: MemoryBudget;
  /** Generations under way; absent: they are seen by nobody. */
  running?: RunningGenerations;
  /** Aborts when the shutdown grace for open responses is over. */
  shutdown: AbortSignal;
};

/** What one generation works with. */
export type GenerationDependencies = GenerateDependencies & Required<Pick<GenerateDependencies, "memory" | "running">>;
