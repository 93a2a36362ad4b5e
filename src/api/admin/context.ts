// What the admin's JSON API gets of the program.
import type { Clock } from "../../clock.ts";
import type { RequestLog, Store } from "../../db/store.ts";
import type { Alerts } from "../../gateway/alerts/alerts.ts";
import type { AlertChannels } from "../../gateway/alerts/manage-channels.ts";
import type { Audit } from "../../gateway/audit/audit.ts";
import type { UndoLog } from "../../gateway/audit/undo.ts";
import type { AuthParts } from "../../gateway/auth/auth.ts";
import type { Backups } from "../../gateway/backups/backups.ts";
import type { RunningGenerations } from "../../gateway/generation/running-generations.ts";
import type { JobParts } from "../../gateway/jobs/jobs.ts";
import type { retryJob } from "../../gateway/jobs/retry-job.ts";
import type { Keys } from "../../gateway/keys/keys.ts";
import type { Limits } from "../../gateway/limits/limits.ts";
import type { MediaStore } from "../../gateway/media/contract.ts";
import type { CatalogueLayers } from "../../gateway/models/catalogue/layers.ts";
import type { Pool } from "../../gateway/pool/pool.ts";
import type { Maintenance } from "../../gateway/reports/maintenance.ts";
import type { OverviewDependencies } from "../../gateway/reports/overview.ts";
import type { SettingsLayers } from "../../gateway/settings/manage-settings.ts";
import type { SettingsStore } from "../../gateway/settings/settings.ts";
import type { Credentials } from "../../gateway/tokens/credentials.ts";
import type { Refresher } from "../../gateway/tokens/refresh.ts";
import type { Log } from "../../log.ts";
import type { BodyReader } from "../body/body.ts";

export type AdminApiContext = Omit<
  OverviewDependencies,
  "now" | "store" | "settings" | "pool" | "keys" | "limits" | "media" | "maintenance" | "backups" | "models"
> &
  Omit<Parameters<typeof retryJob>[0], "store" | "media" | "clock"> &
  JobParts &
  AuthParts & {
    store: Store;
    requests: RequestLog;
    keys: Keys;
    pool: Pool;
    limits: Limits;
    media: MediaStore;
    running: RunningGenerations;
    tokens: Credentials;
    refresher: Refresher;
    settings: SettingsStore;
    layers: SettingsLayers;
    maintenance: Maintenance;
    audit: Audit;
    backups: Backups;
    models: CatalogueLayers;
    alerts: Pick<Alerts, "open">;
    alertChannels: AlertChannels;
    undo: UndoLog;
    clock: Clock;
    log: Log;
    bodies: BodyReader;
    providers: ReadonlyMap<string, unknown>;
    /** Takes what was written into memory. */
    refresh(): Promise<void>;
    isAllowed(address: string | null): boolean;
  };
