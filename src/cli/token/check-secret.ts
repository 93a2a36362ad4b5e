// Asks the upstream once whether it takes a secret, from the command line, before the secret goes into the pool.
import type { Config } from "../../config/config.ts";
import { AppError } from "../../errors.ts";
import { modelsFor } from "../../gateway/models/with-catalogue.ts";
import { createLog } from "../../log.ts";
import { createFlow } from "../../providers/flow/client.ts";
import { createGemini } from "../../providers/gemini/client.ts";
import type { Provider, ProviderModels, ProviderToken, TokenFacts } from "../../providers/provider.ts";
import { createVertex } from "../../providers/vertex/client.ts";
import { proxyOf } from "../../proxy-address.ts";
import type { Folder } from "../folder.ts";

/** `secret` and `state` are what is to be stored: asking may have rotated a session. */
export type Checked = { outcome: "accepted"; facts: TokenFacts; secret: string; state: Record<string, unknown> };
export type Unchecked = { outcome: "refused" | "unreachable"; reason: string };

/** Longest wait for the upstream's word. */
const LIMIT_MS = 20_000;

/** Costs nothing at any upstream: a list of models, an exchange of the session, a count of tokens. Never quotes the secret. */
export async function checkSecret(
  { config: { settings }, models }: Pick<Folder, "config" | "models">,
  { provider, secret, location }: { provider: string; secret: string; location?: string | null },
  now: () => number,
): Promise<Checked | Unchecked> {
  const token: ProviderToken = { id: 0, secret, state: {}, proxy: proxyOf(null, settings.pool.proxy), location };
  try {
    const facts = await adapterOf(provider, { settings, models: modelsFor(models.current, provider) }, now).check(token, {
      signal: AbortSignal.timeout(LIMIT_MS),
      openTempFile: () => Promise.reject(new Error("A check stores nothing.")),
      async remember(change) {
        token.secret = change.secret ?? token.secret;
        token.state = { ...token.state, ...change.state };
      },
    });
    return { outcome: "accepted", facts, secret: token.secret, state: token.state };
  } catch (error) {
    if (!(error instanceof AppError)) return { outcome: "unreachable", reason: "no answer in time" };
    return { outcome: REFUSALS.has(error.kind) ? "refused" : "unreachable", reason: error.message };
  }
}

type Parts = { settings: Config["settings"]; models: ProviderModels };

const REFUSALS: ReadonlySet<AppError["kind"]> = new Set([
  "upstream_unauthorized",
  "upstream_model_denied",
  "invalid_request",
  "upstream_invalid",
]);

function adapterOf(provider: string, { settings: { gemini, flow, vertex }, models }: Parts, now: () => number): Provider {
  const log = createLog({ level: "error", format: "json", now, write: () => {} });
  if (provider === "gemini") return createGemini({ models, baseUrl: gemini.base_url, now, log });
  return provider === "vertex"
    ? createVertex({ models, baseUrl: vertex.base_url, tokenUrl: vertex.token_url, now, log })
    : createFlow({ models, labsBaseUrl: flow.labs_base_url, apiBaseUrl: flow.api_base_url, now, random: Math.random, log });
}
