// Admin API: imports of tokens in two steps, as the page has them: what a text would add, then adding it.
import { t } from "elysia";
import { AppError } from "../../errors.ts";
import { PROVIDERS } from "../../gateway/tokens/detect-secret.ts";
import { type ImportPreview, ImportPreviews } from "../../gateway/tokens/import-preview.ts";
import { importCounts, importTokens } from "../../gateway/tokens/import-tokens.ts";
import { parseTokens } from "../../gateway/tokens/parse-tokens.ts";
import type { AdminApiContext } from "./context.ts";
import { type ApiRoute, route } from "./route.ts";
import { oneOf, whole } from "./schemas.ts";

const MAX_TEXT = 32 * 1024 * 1024;

const IMPORT = t.Object({
  id: t.String(),
  state: oneOf(["ready", "running", "done", "failed"], { description: "`ready`: nothing was added yet" }),
  done: whole({ description: "Lines dealt with, of `total`" }),
  total: whole(),
  added: whole({ description: "Tokens that would be added, or were" }),
  known: t.Array(t.Object({ line: whole(), reason: t.String() }), { description: "Lines whose token is there already" }),
  invalid: t.Array(t.Object({ line: whole(), reason: t.String() })),
  fresh: t.Array(
    t.Object({ line: whole(), provider: t.String(), label: t.String(), group: t.String(), identity: t.String(), secret_hint: t.String() }),
    { description: "The first hundred that would be added; of a secret its last characters" },
  ),
});

const show = ({ id, state, done, total, report, fresh }: ImportPreview) => ({
  ...{ id, state, done, total, added: report.added },
  known: report.known.map(({ line, reason }) => ({ line, reason })),
  invalid: report.invalid.map(({ line, reason }) => ({ line, reason })),
  fresh: fresh.map(({ line, provider, label, group, identity, hint }) => ({ line, provider, label, group, identity, secret_hint: hint })),
});

export function tokenImportRoutes(ctx: AdminApiContext): ApiRoute[] {
  const { store, settings, clock, log, audit, refresh } = ctx;
  const { now } = clock;
  const previews = new ImportPreviews({
    ...{ store, now, log },
    importTokens: (lines, options) => importTokens({ store, settings: () => settings.current().pool, now }, lines, options),
  });
  return [
    route({
      ...{ method: "POST", path: "/tokens/imports", tag: "Tokens", summary: "Show what a text would add; nothing is added yet" },
      description: "Lines, CSV with its header anywhere, JSON or service accounts, as on the page. It waits for 15 minutes to be started.",
      status: 201,
      body: t.Object({
        text: t.String({ minLength: 1, maxLength: MAX_TEXT }),
        provider: t.Optional(oneOf(PROVIDERS, { description: "Of lines that do not say it; else it is told from the secret" })),
        group: t.Optional(t.String({ minLength: 1, maxLength: 100 })),
      }),
      response: IMPORT,
      async run({ body: { text, provider, group } }) {
        const lines = parseTokens(text, { provider, now: now() });
        if (lines.length === 0)
          throw new AppError("invalid_request", "text has no token in it.", { param: "text", reason: "import_empty" });
        return show(await previews.preview(lines, group));
      },
    }),
    route({
      ...{
        method: "GET",
        path: "/tokens/imports/{id}",
        tag: "Tokens",
        summary: "An import: what it would add, how far it is, what it did",
      },
      response: IMPORT,
      run: async ({ params }) => show(await previews.get(params.id!)),
    }),
    route({
      ...{ method: "POST", path: "/tokens/imports/{id}/start", tag: "Tokens", summary: "Add the tokens of an import; twice is once" },
      status: 202,
      response: IMPORT,
      async run({ params, by }) {
        const started = await previews.start(params.id!, async (report) => {
          await audit.record({ action: "token.import", subject: "tokens", after: importCounts(report) }, by);
          await refresh();
        });
        return show(started);
      },
    }),
  ];
}
