// This node among the others: what it reports, what it does with their news, and how it hands its jobs over.
import type { Context } from "./context.ts";
import type { Inheritance } from "./db/nodes.ts";
import type { NodeFigures } from "./gateway/alerts/node-figures.ts";
import type { News } from "./gateway/nodes/announcer.ts";
import { ownNodeNeeds } from "./gateway/reports/node-needs.ts";

type Options = {
  /** Takes in what has changed in tokens, keys and settings. */
  reload(): Promise<void>;
  /** Takes in tokens, whether or not they were edited: checks of another node have found something. */
  reloadTokens(): Promise<void>;
  /** The node was declared dead. */
  onFenced(): void;
};

/** Facts that other nodes' checks have found are taken in at most this often: all tokens are read again. */
const FACTS_MS = 10_000;

/** Starts to beat and to listen. Before it, the node has joined. */
export async function startNode(ctx: Context, options: Options): Promise<void> {
  const { node, announcer, log } = ctx;
  const report = (what: string) => (error: unknown) => log.error(what, { error });
  const reload = () => void options.reload().catch(report("Changes of another node could not be read"));
  let isFactsAwaited = false;
  const takeFacts = () => {
    if (isFactsAwaited) return;
    isFactsAwaited = true;
    ctx.clock.after(FACTS_MS, () => {
      isFactsAwaited = false;
      void options.reloadTokens().catch(report("Facts of another node could not be read"));
    });
  };
  const hear = (news: News) => {
    if (news.jobs) for (const id of news.jobs) ctx.worker.changedElsewhere(id);
    if (news.slots) ctx.pool.slotsFreed();
    if (news.secrets) for (const id of news.secrets) ctx.tokens.forget(id);
    if (news.health) void ctx.sharedHealth?.take(news.health).catch(report("Health of tokens could not be read"));
    if (news.tables) reload();
    if (news.facts) takeFacts();
    if (news.handedOver) void node.claim().catch(report("Jobs that were handed over could not be taken"));
  };
  const missed = () => {
    reload();
    ctx.tokens.forget();
    ctx.pool.slotsFreed();
    void ctx.sharedHealth?.takeAll().catch(report("Health of tokens could not be read"));
  };
  await announcer.start(hear, missed);
  node.start({
    gauges: () => gaugesOf(ctx),
    inherit: (left) => inherit(ctx, left),
    fenced: options.onFenced,
  });
}

/** Goes on with jobs, and settles what else was open. */
async function inherit({ worker, limits }: Context, left: Inheritance): Promise<void> {
  await worker.inherit(left, (isOfJob) => limits.inherit(left.reservations, isOfJob));
}

/** Gives up the jobs that have not ended; another node takes them at once. */
export async function handOver({ node, worker, announcer, log }: Context): Promise<void> {
  if (!node.isShared) return;
  worker.forgetAdmissions();
  const jobs = await node.handOver();
  if (jobs > 0) log.info("Jobs handed over to other nodes", { jobs });
  announcer.tell({ handedOver: true });
  await announcer.flush();
}

export type NodeGauges = { inFlight: number; queued: number; jobs: number; memoryMb: number } & NodeFigures;

function gaugesOf(ctx: Context): NodeGauges {
  const { pool, worker, media, outcomes, settings } = ctx;
  const { inFlight, queued } = pool.gauges();
  const figures = { freeBytes: media.freeBytes(), ...outcomes.sums(settings.current().alerts.error_minutes) };
  const memoryMb = Math.round(process.memoryUsage.rss() / 1024 / 1024);
  return { inFlight: inFlight.image + inFlight.video, queued, jobs: worker.size(), memoryMb, ...figures, needs: ownNodeNeeds(ctx) };
}
