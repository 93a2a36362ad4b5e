// Needs that only the node itself sees: reported with its beats, shown and alerted by the others.
import { isRecord } from "../../domain/is-record.ts";
import type { Limits } from "../limits/limits.ts";
import { type LinkHosts, type LinkWatch, NO_LINK_HOSTS } from "../media/link-watch.ts";
import type { CatalogueLayers } from "../models/catalogue/layers.ts";
import type { Pool } from "../pool/pool.ts";

/** Times are epoch ms of the node's clock; null: all is well. */
export type NodeNeeds = {
  networkSince: number | null;
  ledgerSince: number | null;
  /** What is wrong in the models that the node has read: its models file is its own. */
  models: string[];
  links: LinkHosts;
};

/** Another living node. `name`: its id, with its host where it has an address. */
export type OtherNode = { name: string; needs: NodeNeeds };

type Dependencies = {
  pool: Pick<Pool, "gauges">;
  limits: Pick<Limits, "degradedSince">;
  models: Pick<CatalogueLayers, "problems">;
  linkWatch: Pick<LinkWatch, "hosts">;
};

/** Of a beat, which has its place in a row: longer texts are cut. */
const MAX_TEXT = 300;

/** Of this node. */
export function ownNodeNeeds({ pool, limits, models, linkWatch }: Dependencies): NodeNeeds {
  const { file, admin } = models.problems;
  return {
    networkSince: pool.gauges().networkDegradedSince,
    ledgerSince: limits.degradedSince(),
    models: [file, admin].flatMap((problem) => (problem === null ? [] : [problem.slice(0, MAX_TEXT)])),
    links: linkWatch.hosts(),
  };
}

/** What another node has reported; a former version reports none. */
export function readNodeNeeds(reported: unknown): NodeNeeds {
  const { networkSince, ledgerSince, models, links } = isRecord(reported) ? reported : {};
  const { unreached, reached } = isRecord(links) ? links : NO_LINK_HOSTS;
  return {
    networkSince: timeOf(networkSince),
    ledgerSince: timeOf(ledgerSince),
    models: textsOf(models),
    links: { unreached: textsOf(unreached), reached: textsOf(reached) },
  };
}

const timeOf = (value: unknown): number | null => (typeof value === "number" ? value : null);
const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.filter((text) => typeof text === "string") : []);
