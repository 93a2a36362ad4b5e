// Jobs routes: live lists, one job, cancel, retry, and the decision on an unknown charge.
import { Elysia } from "elysia";
import { JobPage } from "../../views/jobs/job.tsx";
import { JobProgress, jobHref, type ShownJob } from "../../views/jobs/job-parts.tsx";
import { JobRowView, JobsPage } from "../../views/jobs/jobs.tsx";
import type { Messages } from "../../views/locales/en.ts";
import { formatUsd } from "../../views/ui/format.ts";
import type { JobRow } from "../db/jobs.ts";
import { AppError } from "../errors.ts";
import { bareUrl, isUnderWay, jobParameters, pageOfJobs, readJobQuery } from "../gateway/jobs/list-jobs.ts";
import { retryJob } from "../gateway/jobs/retry-job.ts";
import type { AdminContext } from "./context.ts";
import { keyChoices, tokenLabels } from "./names.ts";
import { changed, fragment, goTo, page, readForm, viewOf } from "./page.ts";
import { ask } from "./question.ts";

const PAGE_SIZE = 50;
const DELIVERIES_SHOWN = 20;
/** Jobs of a state are counted up to here. */
const MOST_COUNTED = 1_000;

export const jobRoutes = (ctx: AdminContext) => {
  const pages = jobPages(ctx);
  return new Elysia({ prefix: "/jobs" }).use(listRoutes(ctx, pages)).use(actionRoutes(ctx, pages));
};

type JobPages = ReturnType<typeof jobPages>;

function jobPages(ctx: AdminContext) {
  const { store, jobs } = ctx;
  const namesFor = async (shown: readonly JobRow[]) => ({
    media: await firstResults(shown),
    keys: new Map(shown.flatMap(({ keyId }) => (ctx.keys.get(keyId) ? [[keyId, ctx.keys.get(keyId)!.name] as const] : []))),
    tokens: tokenLabels(ctx),
  });
  const firstResults = async (shown: readonly JobRow[]) => {
    const ids = shown.flatMap(({ mediaIds }) => mediaIds[0] ?? []);
    const found = ids.length === 0 ? [] : await store.listMedia({ origin: "result", ids, limit: ids.length });
    return new Map(found.map((one) => [one.id, one] as const));
  };
  const withQueuePosition = async (job: JobRow): Promise<ShownJob> => {
    const seen = job.state === "queued" ? await jobs.get(job.id, null) : null;
    return seen?.place ? { ...job, place: seen.place } : job;
  };
  const find = async (request: Request, id: string): Promise<ShownJob> => {
    const job = await store.getJob(id);
    if (!job) throw new AppError("not_found", viewOf(ctx, request).t.jobs.gone);
    return withQueuePosition(job);
  };
  return { namesFor, withQueuePosition, find };
}

/** The list and one job. */
const listRoutes = (ctx: AdminContext, { namesFor, withQueuePosition, find }: JobPages) => {
  const { store, media, requests } = ctx;
  return new Elysia()
    .get("/", async ({ request }) => {
      const query = readJobQuery(new URL(request.url).searchParams);
      const found = await pageOfJobs(store, query, PAGE_SIZE);
      const shown = await Promise.all(found.jobs.map(withQueuePosition));
      const data = {
        query,
        ...found,
        jobs: shown,
        names: await namesFor(shown),
        counts: await store.countJobs(MOST_COUNTED),
        mostCounted: MOST_COUNTED,
        keyChoices: await keyChoices(ctx, query.key),
      };
      return page(ctx, request, (view) => ({ title: view.t.jobs.title, nav: "jobs", body: JobsPage({ view, data }) }));
    })
    .get("/:id", async ({ request, params }) => {
      const job = await find(request, params.id);
      const [results, logged, deliveries] = await Promise.all([
        Promise.all(job.mediaIds.map((id) => media.get(id))),
        requests.get(job.requestId),
        store.listDeliveries({ jobId: job.id, limit: DELIVERIES_SHOWN }),
      ]);
      const data = {
        job,
        names: await namesFor([job]),
        parameters: jobParameters(job),
        media: results.filter((one) => one !== null),
        attempts: logged?.attempts ?? [],
        deliveries: deliveries.map((one) => ({ ...one, shownUrl: bareUrl(one.url) })),
        webhookUrl: job.webhookUrl && bareUrl(job.webhookUrl),
      };
      return page(ctx, request, (view) => ({ title: view.t.jobs.title, nav: "jobs", body: JobPage({ view, data }) }));
    })
    .get("/:id/state", async ({ request, params }) => {
      const job = await find(request, params.id);
      const isPage = new URL(request.url).searchParams.has("page");
      if (isUnderWay(job)) return fragment(ctx, request, (view) => JobProgress({ view, job, page: isPage }));
      if (isPage) return goTo(ctx, request, jobHref(job.id));
      // It has ended: the whole row replaces the part that asked.
      const names = await namesFor([job]);
      const response = fragment(ctx, request, (view) => JobRowView({ view, job, names }));
      response.headers.set("hx-retarget", `#job-${job.id}`);
      return response;
    });
};

/** Cancel, decide, retry. */
const actionRoutes = (ctx: AdminContext, { namesFor, find }: JobPages) => {
  const { jobs, audit } = ctx;
  /** A job after an action: its row, or its page. */
  const done = async (request: Request, id: string, say: (t: Messages["jobs"], job: JobRow) => string) => {
    const job = await find(request, id);
    const names = await namesFor([job]);
    return changed(ctx, request, {
      location: jobHref(id),
      content: (view) => JobRowView({ view, job, names }),
      notice: { text: say(viewOf(ctx, request).t.jobs, job) },
    });
  };

  return new Elysia()
    .post("/:id/cancel", async ({ request, params }) => {
      const before = await find(request, params.id);
      await jobs.cancel(before.id, null);
      await audit.record(
        { action: "job.cancel", subject: `job ${before.id}`, before: { state: before.state } },
        ctx.sessionContextOf(request),
      );
      return done(request, before.id, (t, { state, cancelAsked }) =>
        state === "cancelled" ? t.cancelled1 : cancelAsked ? t.cancelAsked : t.cannotCancel,
      );
    })
    .post("/:id/decide", async ({ request, params }) => {
      const before = await find(request, params.id);
      const charged = (await readForm(ctx, request)).flag("charged");
      if (before.state !== "unknown") throw new AppError("conflict", "This job has nothing to decide.");
      const question = await ask(ctx, request, {
        nav: "jobs",
        confirm: charged ? "charged" : "free",
        say: ({ t: { jobs: words, controls }, locale }) => ({
          title: words.decideTitle,
          about: words.decide,
          go: charged ? words.book(formatUsd(before.usd, locale)) : words.giveBack(formatUsd(before.usd, locale)),
          keep: controls.cancel,
          back: jobHref(before.id),
          plain: true,
        }),
      });
      if (question) return question;
      await jobs.decide(before.id, charged);
      await audit.record({ action: "job.decide", subject: `job ${before.id}`, after: { charged } }, ctx.sessionContextOf(request));
      return done(request, before.id, (t) => t.decided);
    })
    .post("/:id/retry", async ({ request, params }) => {
      const job = await retryJob(ctx, (await find(request, params.id)).id);
      await audit.record({ action: "job.retry", subject: `job ${params.id}`, after: { job: job.id } }, ctx.sessionContextOf(request));
      return goTo(ctx, request, jobHref(job.id), { text: viewOf(ctx, request).t.jobs.retried });
    });
};
