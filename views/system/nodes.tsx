// Nodes panel: the servers on one database, their load, version and last beat, and taking one out of service.
import type { NodeRow } from "../../src/db/nodes.ts";
import { Badge, type BadgeTone, Card } from "../ui/controls.tsx";
import { Duration } from "../ui/figures.tsx";
import { ActionButton } from "../ui/form.tsx";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

/** `load`: null where the node has not reported yet. */
export type NodeView = Pick<NodeRow, "id" | "state" | "url" | "version" | "startedAt" | "beatAt"> & {
  isThis: boolean;
  load: { inFlight: number; queued: number; jobs: number; memoryMb: number } | null;
};

const TONES: Record<NodeRow["state"], BadgeTone> = { serving: "ok", draining: "warn", dead: "bad", left: "off" };

export function NodesPanel({ view, nodes, now }: { view: View; nodes: readonly NodeView[] /** Of the database. */; now: number }) {
  const { nodes: t } = view.t.system;
  const columns = [
    { key: "node", label: t.node },
    { key: "state", label: t.state },
    { key: "load", label: t.load },
    { key: "beat", label: t.beat, align: "end" as const },
    { key: "actions", label: t.actions, align: "end" as const },
  ];
  return (
    <Card id="nodes" title={t.title}>
      <p class="soft hint">{t.about}</p>
      <Table view={view} label={t.title} columns={columns}>
        {nodes.map((node) => (
          <Row key={node.id} view={view} id={`node-${node.id}`}>
            <Cell label={t.node}>
              {node.url ?? t.noUrl}{" "}
              {node.isThis && (
                <Badge tone="off" icon={null}>
                  {t.thisOne}
                </Badge>
              )}{" "}
              <span class="soft">{node.version}</span>
            </Cell>
            <Cell label={t.state}>
              <Badge tone={TONES[node.state]}>{t.states[node.state]}</Badge>
            </Cell>
            <Cell label={t.load}>{node.load ? t.loadOf(node.load) : "–"}</Cell>
            <Cell label={t.beat} align="end">
              <Duration value={Math.max(0, now - node.beatAt)} />
            </Cell>
            <Cell label={t.actions} align="end">
              <Drain view={view} node={node} />
            </Cell>
          </Row>
        ))}
      </Table>
    </Card>
  );
}

function Drain({ view, node }: { view: View; node: NodeView }) {
  const { nodes: t } = view.t.system;
  if (node.state !== "serving" && node.state !== "draining") return null;
  const act = node.state === "serving" ? "drain" : "serve";
  return (
    <ActionButton view={view} action="/admin/system/nodes" target="#nodes" fields={{ act, id: String(node.id) }} small>
      {act === "drain" ? t.drain : t.serve}
    </ActionButton>
  );
}
