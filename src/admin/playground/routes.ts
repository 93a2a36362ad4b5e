// Playground routes: run a job, follow its progress, history.
import { Elysia } from "elysia";
import { Code, History, type HistoryEntry, PlaygroundPage, type Run, RunState, RunView } from "../../../views/playground/playground.tsx";
import type { CodeCall } from "../../../views/playground/playground-code.ts";
import { type FormData, Picker, PlaygroundSettings, Reference, References } from "../../../views/playground/playground-form.tsx";
import type { Media } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { isUnderWay } from "../../gateway/jobs/list-jobs.ts";
import { knownOperatorKey, operatorKey } from "../../gateway/keys/operator-key.ts";
import { galleryItem } from "../../gateway/media/gallery.ts";
import {
  EMPTY_FORM,
  formUsing,
  MAX_IMAGES,
  modelIdFor,
  offerOf,
  type PlaygroundForm,
  playgroundModels,
  SLOTS,
  type Slot,
  settleForm,
} from "../../gateway/playground/options.ts";
import { formOfJob, runForm, wordsOf } from "../../gateway/playground/run.ts";
import type { AdminContext } from "../context.ts";
import { FormError } from "../forms.ts";
import { liveUntil } from "../live.ts";
import { changed, fragment, goTo, isHtmx, page, readForm, viewOf } from "../page.ts";
import { kindFor, readPlaygroundForm, storeInputs, withInputs } from "./form.ts";

const NOTHING_HIDDEN = { has: () => false };
const HISTORY_SIZE = 12;
const PICKER_SIZE = 24;
const MAX_USED = 16;

export const playgroundRoutes = (ctx: AdminContext) => {
  const pages = playgroundPages(ctx);
  return new Elysia({ prefix: "/playground" }).use(formRoutes(ctx, pages)).use(runRoutes(ctx, pages));
};

type PlaygroundPages = ReturnType<typeof playgroundPages>;

/** What the playground's routes share: the data and the page of a form and a run. */
function playgroundPages(ctx: AdminContext) {
  const { store, media, jobs } = ctx;

  const mediaOf = async (ids: readonly string[]): Promise<Media[]> =>
    (await Promise.all(ids.map((id) => media.get(id)))).filter((one) => one !== null);

  /** The form for a form, with the inputs that are still there; null while no model can be used. */
  const formFor = async (values: PlaygroundForm): Promise<FormData | null> => {
    const models = playgroundModels(ctx.catalogue(), ctx.pool);
    const settled = settleForm(models, values);
    if (!settled) return null;
    const inputs = Object.fromEntries(
      await Promise.all(SLOTS.map(async (slot) => [slot, await mediaOf(settled.values.inputs[slot])])),
    ) as FormData["inputs"];
    return { ...settled, models, inputs, offer: offerOf(settled.model, settled.values.mode), maxImages: MAX_IMAGES };
  };
  const codeFor = ({ model, values }: FormData, request: Request): CodeCall => ({
    kind: model.kind,
    origin: ctx.originOf(request),
    modelId: modelIdFor(ctx.catalogue(), values),
    values,
  });
  const runOf = async (request: Request, id: string): Promise<Run> => {
    const [job, seen] = await Promise.all([store.getJob(id), jobs.get(id, null)]);
    if (!job) throw new AppError("not_found", viewOf(ctx, request).t.playground.noJob);
    return { job, place: seen?.place ?? null, media: await mediaOf(job.mediaIds), words: wordsOf(job) };
  };
  const history = async (): Promise<HistoryEntry[]> => {
    const key = await knownOperatorKey(ctx);
    const rows = key ? await store.listJobs({ keyId: key.id, limit: HISTORY_SIZE, order: "desc" }) : [];
    return Promise.all(rows.map(async (job) => ({ job, media: job.mediaIds[0] === undefined ? null : await media.get(job.mediaIds[0]) })));
  };
  const show = async (request: Request, values: PlaygroundForm, run: Run | null) => {
    const form = await formFor(values);
    const data = { form, code: form && codeFor(form, request), run, history: await history() };
    return page(ctx, request, (view) => ({ title: view.t.playground.title, nav: "playground", body: PlaygroundPage({ view, data }) }));
  };
  const operator = () => operatorKey({ ...ctx, now: ctx.clock.now });
  return { mediaOf, formFor, codeFor, runOf, history, show, operator };
}

/** The page, its fragments and its inputs. */
function formRoutes(ctx: AdminContext, { mediaOf, formFor, codeFor, runOf, history, show, operator }: PlaygroundPages) {
  const { store, media } = ctx;
  return (
    new Elysia()
      .get("/", async ({ request }) => {
        const { searchParams } = new URL(request.url);
        const id = searchParams.get("job");
        if (id !== null) {
          const run = await runOf(request, id);
          return show(request, formOfJob(run.job), run);
        }
        const like = await galleryItem({ ...ctx, trash: NOTHING_HIDDEN }, searchParams.get("like") ?? "");
        if (like)
          return show(request, { ...EMPTY_FORM, model: like.media.family ?? "", prompt: like.request?.payload?.prompt ?? "" }, null);
        const used = await mediaOf(searchParams.getAll("use").slice(0, MAX_USED));
        return show(request, used.length > 0 ? formUsing(playgroundModels(ctx.catalogue(), ctx.pool), used) : EMPTY_FORM, null);
      })
      .get("/history", async ({ request }) => {
        const entries = await history();
        return fragment(ctx, request, (view) => History({ view, history: entries }));
      })
      .get("/picker", async ({ request }) => {
        const slot = slotOf(request);
        const found = await store.listMedia({ origin: "result", kind: kindFor(slot), limit: PICKER_SIZE });
        return fragment(ctx, request, (view) => Picker({ view, slot, media: found }));
      })
      .get("/reference", async ({ request }) => {
        const slot = slotOf(request);
        const found = await media.get(new URL(request.url).searchParams.get("id") ?? "");
        if (found?.kind !== kindFor(slot)) throw new AppError("not_found", viewOf(ctx, request).t.gallery.gone);
        return fragment(ctx, request, (view) => Reference({ view, slot, media: found }));
      })
      .post("/inputs", async ({ request }) => {
        const added = await storeInputs(ctx, request, (await operator()).id);
        const placed = SLOTS.flatMap((slot) => added[slot].map((one) => ({ slot, media: one })));
        return fragment(ctx, request, (view) => References({ view, placed }));
      })
      .post("/settings", async ({ request }) => {
        const form = await formFor(readPlaygroundForm(await readForm(ctx, request)));
        if (!form) return goTo(ctx, request, "/admin/playground");
        return fragment(ctx, request, (view) => PlaygroundSettings({ view, data: form }));
      })
      .post("/code", async ({ request }) => {
        const form = await formFor(readPlaygroundForm(await readForm(ctx, request)));
        if (!form) return goTo(ctx, request, "/admin/playground");
        return fragment(ctx, request, (view) => Code({ view, code: codeFor(form, request) }));
      })
      // Without JavaScript: the same page with the options of another model.
      .post("/options", async ({ request }) => {
        const values = readPlaygroundForm(await readForm(ctx, request));
        return show(request, withInputs(values, await storeInputs(ctx, request, (await operator()).id)), null);
      })
  );
}

/** Runs: start, progress, cancel. */
function runRoutes(ctx: AdminContext, { runOf, operator }: PlaygroundPages) {
  const { jobs, audit } = ctx;
  return new Elysia()
    .post("/runs", async ({ request, server }) => {
      server?.timeout(request, 0);
      const key = await operator();
      const form = await readForm(ctx, request);
      form.text("prompt", { required: true });
      const values = readPlaygroundForm(form);
      form.check();
      const settled = settleForm(playgroundModels(ctx.catalogue(), ctx.pool), withInputs(values, await storeInputs(ctx, request, key.id)));
      if (!settled) throw new AppError("no_token", viewOf(ctx, request).t.playground.noModels);
      const job = await runForm(ctx, settled.model, settled.values, key).catch((error) =>
        Promise.reject(translateError(ctx, request, error)),
      );
      await audit.record(
        { action: "playground.run", subject: `job ${job.id}`, after: { model: settled.model.id } },
        ctx.sessionContextOf(request),
      );
      const location = `/admin/playground?job=${job.id}`;
      if (!isHtmx(request)) {
        for await (const _ of (await jobs.watch(job.id, null, request.signal)) ?? []);
        return goTo(ctx, request, location);
      }
      const run = await runOf(request, job.id);
      const response = fragment(ctx, request, (view) => RunView({ view, run }));
      response.headers.set("hx-replace-url", location);
      return response;
    })
    .get("/runs/:id/events", ({ request, server, params }) =>
      liveUntil(ctx, { request, server }, async (view) => {
        const run = await runOf(request, params.id);
        return { node: RunState({ view, run }), isOver: !isUnderWay(run.job) };
      }),
    )
    .post("/runs/:id/cancel", async ({ request, params }) => {
      const before = await runOf(request, params.id);
      await jobs.cancel(before.job.id, null);
      await audit.record(
        { action: "job.cancel", subject: `job ${params.id}`, before: { state: before.job.state } },
        ctx.sessionContextOf(request),
      );
      const run = await runOf(request, params.id);
      return changed(ctx, request, { location: `/admin/playground?job=${params.id}`, content: (view) => RunView({ view, run }) });
    });
}

function slotOf(request: Request): Slot {
  const name = new URL(request.url).searchParams.get("slot");
  return SLOTS.find((slot) => slot === name) ?? "pictures";
}

/** The error of a run in the page's language. */
function translateError(ctx: AdminContext, request: Request, error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const { playground } = viewOf(ctx, request).t;
  const missing = SLOTS.find((slot) => error.reason === `missing_${slot}`);
  if (missing) return new FormError(playground.missing[missing], {});
  return error.reason === "input_gone" ? new FormError(playground.inputGone, {}) : error;
}
