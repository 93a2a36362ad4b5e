// Figures of one node that alerts look at: reported with its beats, gathered by the node that evaluates the rules.
import type { NodeStore } from "../../db/nodes.ts";
import { isRecord } from "../../domain/is-record.ts";
import { isLiving } from "../nodes/node.ts";
import type { OutcomeSums } from "./outcome-window.ts";

export type NodeFigures = OutcomeSums & {
  /** Of the disk of media. */
  freeBytes: number;
};

/** Of the other living nodes, as of their last beats. One that reports none of them, as a former version, is left out. */
export async function figuresOfOthers(store: Pick<NodeStore, "listNodes">, id: number): Promise<NodeFigures[]> {
  const others = (await store.listNodes()).filter((node) => node.id !== id && isLiving(node));
  return others.flatMap(({ gauges }) => readFigures(gauges) ?? []);
}

function readFigures(gauges: unknown): NodeFigures | null {
  const { freeBytes, total, failed, mostly } = isRecord(gauges) ? gauges : {};
  const isCount = (value: unknown): value is number => typeof value === "number" && value >= 0;
  if (!isCount(freeBytes) || !isCount(total) || !isCount(failed) || typeof mostly !== "string") return null;
  return { freeBytes, total, failed, mostly };
}
