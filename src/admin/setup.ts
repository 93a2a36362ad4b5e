// Setup routes of a fresh data folder: password, first key, first token, first image.

import { Elysia } from "elysia";
import { ImageFigure, ImagePage, ImageStep, KeyStep, PasswordStep, type Problem, TokenStep } from "../../views/auth/setup.tsx";
import type { View } from "../../views/ui/view.ts";
import { FIRST_ACCOUNT } from "../domain/account.ts";
import { AppError } from "../errors.ts";
import { deleteFirstStartFile, finishPassword, finishStep, leaveSetup, nextStep, type SetupStep } from "../gateway/auth/setup-steps.ts";
import { hashKey } from "../gateway/keys/keys.ts";
import { newKeyLimits } from "../gateway/keys/manage-keys.ts";
import { operatorKey } from "../gateway/keys/operator-key.ts";
import { makeImage, servableImageFamily } from "../gateway/playground/run.ts";
import { CLOUD, isCloudText, withAccount } from "../gateway/tokens/cloud-account.ts";
import { detectSecret, isDetected } from "../gateway/tokens/detect-secret.ts";
import { freeLabel } from "../gateway/tokens/import-tokens.ts";
import { newKey } from "../ids.ts";
import { newPassword, replacePassword } from "./auth/account.ts";
import type { AdminContext } from "./context.ts";
import { FormError } from "./forms.ts";
import { fragment, goTo, isHtmx, page, readForm, viewOf } from "./page.ts";

type Content = Parameters<typeof page>[2] extends (view: View) => infer R
  ? R extends { body: infer B }
    ? (view: View) => B
    : never
  : never;

export const setupRoutes = (ctx: AdminContext) => {
  const stepPage = (request: Request, content: Content, status?: number) =>
    page(ctx, request, (view) => ({ title: view.t.welcome.title, nav: null, status, body: content(view) }));
  const goToStep = (request: Request, step: SetupStep | null) => goTo(ctx, request, step ? `/admin/welcome/${step}` : "/admin");

  const next = (request: Request) => nextStep(ctx.store, ctx.sessionContextOf(request).session!.account);

  return new Elysia({ prefix: "/welcome" })
    .get("/", async ({ request }) => goToStep(request, await next(request)))
    .post("/leave", async ({ request }) => {
      await leaveSetup(ctx.store);
      return goToStep(request, null);
    })
    .get("/password", async ({ request }) => {
      const step = await next(request);
      if (step !== "password") return goToStep(request, step);
      return stepPage(request, (view) => PasswordStep({ view, problem: null }));
    })
    .post("/password", async ({ request, set }) => {
      if ((await next(request)) !== "password") throw new AppError("conflict", "The password was set already.");
      const form = await readForm(ctx, request);
      const password = newPassword(form, viewOf(ctx, request).t);
      form.check();
      set.headers["set-cookie"] = await replacePassword(ctx, request, password);
      const { account } = ctx.sessionContextOf(request).session!;
      if (account.id === FIRST_ACCOUNT) await deleteFirstStartFile(ctx.config.settings.storage.data_dir);
      return goToStep(request, await finishPassword(ctx.store, account));
    })
    .get("/key", ({ request }) => keyPage(request, null))
    .post("/key", async ({ request }) => {
      const key = await issueFirstKey(ctx, request);
      return keyPage(request, key);
    })
    .get("/token", ({ request }) => tokenPage(request, null))
    .post("/token", async ({ request, server }) => {
      server?.timeout(request, 0);
      const form = await readForm(ctx, request);
      const chosen = form.choice("provider", [...ctx.providers.keys()]);
      const pasted = form.text("secret", { required: true, max: 20_000 });
      const provider = isCloudText(pasted) ? CLOUD : chosen;
      const found = provider === CLOUD ? detectSecret(pasted, provider, { isNamed: true }) : { provider, secret: pasted };
      if (!isDetected(found)) form.refuse("secret", viewOf(ctx, request).t.tokens.wrongAccount(found.reason));
      const secret = isDetected(found) ? found.secret : pasted;
      const label = form.text("label", { max: 100 });
      try {
        form.check();
        const added = await addFirstToken(ctx, request, { provider, secret, label });
        return goTo(ctx, request, "/admin/welcome/picture", { text: viewOf(ctx, request).t.welcome.token.added(added.label) });
      } catch (error) {
        if (!(error instanceof AppError) || error instanceof FormError) throw error;
        return tokenPage(request, toProblem(error), { provider, label });
      }
    })
    .get("/picture", ({ request }) =>
      stepPage(request, (view) =>
        ImageStep({ view, canMake: servableImageFamily(ctx.catalogue(), ctx.pool) !== null, simulated: ctx.simulated }),
      ),
    )
    .post("/picture", async ({ request, server }) => {
      server?.timeout(request, 0);
      const form = await readForm(ctx, request);
      const prompt = form.text("prompt", { required: true, max: 4000 });
      form.check();
      const key = await operatorKey({ ...ctx, now: ctx.clock.now });
      const { media, label, ms } = await makeImage(ctx, { prompt, key, signal: request.signal });
      await finishStep(ctx.store, "picture");
      const made = { src: `/media/${media.id}.${media.ext}`, ms, label, prompt };
      if (isHtmx(request)) return fragment(ctx, request, (view) => ImageFigure({ view, made }));
      return stepPage(request, (view) => ImagePage({ view, made }));
    });

  function keyPage(request: Request, made: string | null): Promise<Response> {
    const origin = ctx.originOf(request);
    return stepPage(request, (view) => KeyStep({ view, existing: ctx.keys.count(), made, origin }));
  }

  function tokenPage(request: Request, problem: Problem, before?: { provider: string; label: string }): Promise<Response> {
    const existing = Object.values(ctx.pool.gauges().tokens).reduce((sum, count) => sum + count, 0);
    const providers = [...ctx.providers.keys()];
    return stepPage(
      request,
      (view) => TokenStep({ view, existing, providers, chosen: before?.provider, label: before?.label, problem }),
      problem ? 422 : undefined,
    );
  }
};

const toProblem = ({ message }: AppError): NonNullable<Problem> => ({ message });

type AddedToken = { id: number; provider: string; label: string };

async function issueFirstKey(ctx: AdminContext, request: Request): Promise<string> {
  const form = await readForm(ctx, request);
  const name = form.text("name", { required: true, max: 100 });
  form.check();
  const { key, prefix } = newKey();
  const limits = newKeyLimits(ctx.settings.current());
  const row = await ctx.store.insertKey({ name, prefix, hash: hashKey(key), limits }, ctx.clock.now());
  await ctx.audit.record({ action: "key.create", subject: `key ${row.id}`, after: { name, prefix } }, ctx.sessionContextOf(request));
  await ctx.refresh();
  await finishStep(ctx.store, "key");
  return key;
}

/** Asks the upstream first: a token that it refuses is not stored. */
async function addFirstToken(
  ctx: AdminContext,
  request: Request,
  form: { provider: string; secret: string; label: string },
): Promise<AddedToken> {
  const { store, tokens, settings, clock } = ctx;
  const { provider } = form;
  const { facts, secret, state } = await tokens.probe(provider, form.secret, request.signal);
  const { image_concurrency, video_concurrency } = settings.current().pool;
  const label = form.label || freeLabel(provider, await store.listTokens());
  const limits = { imageConcurrency: image_concurrency, videoConcurrency: video_concurrency };
  const { id } = await store.insertToken(withAccount({ provider, secret, label, ...limits }), clock.now());
  if (Object.keys(state).length > 0) await store.writeTokenSecret(id, { state });
  const added = { id, provider, label };
  await ctx.audit.record({ action: "token.add", subject: `token ${id}`, after: added }, ctx.sessionContextOf(request));
  await ctx.refresh();
  await tokens.storeFacts(id, facts);
  await finishStep(store, "token");
  return added;
}
