// Figures of one node that alerts look at: reported with its beats, gathered by the node that evaluates the rules.
import type { NodeRow, NodeStore } from "../../db/nodes.ts";
import { isRecord } from "../../domain/is-record.ts";
import { isLiving } from "../nodes/node.ts";
import { type NodeNeeds, type OtherNode, readNodeNeeds } from "../reports/node-needs.ts";
import type { OutcomeSums } from "./outcome-window.ts";

export type NodeFigures = OutcomeSums & {
  /** Of the disk of media. */
  freeBytes: number;
  needs: NodeNeeds;
};

/** Of the other living nodes, as of their last beats. One that reports none of them, as a former version, is left out. */
export async function figuresOfOthers(store: Pick<NodeStore, "listNodes">, id: number): Promise<(NodeFigures & OtherNode)[]> {
  const others = (await store.listNodes()).filter((node) => node.id !== id && isLiving(node));
  return others.flatMap((node) => {
    const figures = readFigures(node.gauges);
    return figures ? [{ ...figures, name: nameOf(node) }] : [];
  });
}

function nameOf({ id, url }: Pick<NodeRow, "id" | "url">): string {
  const host = url !== null && URL.canParse(url) ? new URL(url).host : "";
  return host === "" ? `${id}` : `${id} (${host})`;
}

function readFigures(gauges: unknown): NodeFigures | null {
  const { freeBytes, total, failed, mostly, needs } = isRecord(gauges) ? gauges : {};
  const isCount = (value: unknown): value is number => typeof value === "number" && value >= 0;
  if (!isCount(freeBytes) || !isCount(total) || !isCount(failed) || typeof mostly !== "string") return null;
  return { freeBytes, total, failed, mostly, needs: readNodeNeeds(needs) };
}
