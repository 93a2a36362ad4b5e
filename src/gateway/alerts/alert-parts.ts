// Composition of alerts and scheduled backups: what they read, where they send, and what tells them.
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import type { Config } from "../../config/config.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import type { Log } from "../../log.ts";
import type { Metrics } from "../../metrics.ts";
import { type Audit, createAudit } from "../audit/audit.ts";
import { Backups } from "../backups/backups.ts";
import { FolderTarget } from "../backups/folder-target.ts";
import { S3Target } from "../backups/s3-target.ts";
import { LinkWatch } from "../media/link-watch.ts";
import { createGuardedSend } from "../media/ssrf-guard.ts";
import type { Node } from "../nodes/node.ts";
import type { Maintenance } from "../reports/maintenance.ts";
import type { OtherNode } from "../reports/node-needs.ts";
import { type NeedDependencies, readNeedFacts } from "../reports/read-needs.ts";
import { type AlertDependencies, Alerts } from "./alerts.ts";
import { AlertChannels } from "./manage-channels.ts";
import { figuresOfOthers, type NodeFigures } from "./node-figures.ts";
import { OutcomeWindow } from "./outcome-window.ts";
import { createSignalReader, type SignalDependencies } from "./read-signals.ts";
import { SignIns } from "./sign-ins.ts";

export type AlertParts = {
  /** Rules, incidents and messages about them. */
  alerts: Alerts;
  alertChannels: AlertChannels;
  /** What became of the generations of the last hour. */
  outcomes: OutcomeWindow;
  /** What other nodes report of themselves. */
  nodeFigures: () => Promise<(NodeFigures & OtherNode)[]>;
  /** Scheduled backups. */
  backups: Backups;
  audit: Audit;
  /** Detects media links that clients cannot open. */
  linkWatch: LinkWatch;
};

type Dependencies = Omit<NeedDependencies, "alerts" | "backups" | "linkWatch" | "store" | "maintenance" | "now"> &
  Pick<SignalDependencies, "pool" | "keys" | "limits"> &
  Pick<AlertDependencies, "texts"> & {
    config: Config;
    outcomes: OutcomeWindow;
    store: Store;
    maintenance: Maintenance;
    clock: Clock;
    log: Log;
    /** Of several nodes one evaluates the rules and sends messages. */
    node: Pick<Node, "id" | "leads" | "isShared">;
  };

export function createAlertParts(deps: Dependencies): AlertParts {
  const { config, store, clock, log, settings, node } = deps;
  const { now } = clock;
  const linkWatch = new LinkWatch();
  const backups = new Backups({ ...deps, target: backupTarget(config.settings), settings: () => settings().backup });
  // A database server is backed up by its own means, of which nothing is known here.
  const backupState = () => (deps.maintenance.isShared ? { madeAt: now(), since: now() } : backups.state());
  const nodeFigures = async () => (node.isShared ? await figuresOfOthers(store, node.id) : []);
  const needs: NeedDependencies = {
    ...deps,
    now,
    nodeFigures,
    linkWatch,
    alerts: { failing: () => alerts.failing() },
    backups,
  };
  const alerts: Alerts = new Alerts({
    ...{ store, clock, log, settings, texts: deps.texts, isOwner: () => node.leads },
    guardedSend: createGuardedSend({ allowPrivateHosts: config.settings.alerts.allow_private_hosts }),
    readSignals: createSignalReader({
      ...deps,
      now,
      others: nodeFigures,
      readNeedFacts: () => readNeedFacts(needs),
      backup: () => backupState(),
    }),
  });
  const signIns = new SignIns({ store, alerts, now, log });
  const audit = withSignIns(createAudit({ store, now }), signIns);
  return {
    alerts,
    alertChannels: new AlertChannels({ store, alerts, audit, now }),
    backups,
    audit,
    linkWatch,
    outcomes: deps.outcomes,
    nodeFigures,
  };
}

function backupTarget({ backup, storage }: Settings): FolderTarget | S3Target {
  const { s3_url: url, s3_endpoint: endpoint, s3_region: region, s3_access_key: accessKey, s3_secret_key: secretKey } = backup;
  if (url !== "") return new S3Target({ url, endpoint, region: region || "us-east-1", accessKey, secretKey });
  return new FolderTarget(backup.folder || join(storage.data_dir, "backups"));
}

/** Every sign-in is in the audit log, however it was made. */
function withSignIns(audit: Audit, signIns: SignIns): Audit {
  return {
    ...audit,
    async record(change, by) {
      await audit.record(change, by);
      if (change.action === "session.open") await signIns.note(by);
    },
  };
}

/** The same metrics, which also count what alerts watch. */
export function withOutcomes(metrics: Metrics, now: () => number): { metrics: Metrics; outcomes: OutcomeWindow } {
  const outcomes = new OutcomeWindow(now);
  return {
    outcomes,
    metrics: {
      ...metrics,
      generationEnded(generation) {
        outcomes.add(generation.result);
        metrics.generationEnded(generation);
      },
    },
  };
}
