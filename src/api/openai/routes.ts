// The OpenAI surface: the list of its routes, each described where it stands.
import { Elysia } from "elysia";
import type { KeyRow } from "../../db/store.ts";
import type { Leases } from "../../gateway/leases.ts";
import type { Api, Call } from "./call.ts";
import { chat } from "./chat.ts";
import { errorResponse } from "./errors.ts";
import { listedModels, oneModel } from "./models.ts";
import { ChatBody } from "./schema.ts";

export type OpenAiContext = Api & {
  pool: Leases;
  /** The facts of an admitted request, from the guard. */
  callOf(request: Request): Omit<Call, "request"> & { key: KeyRow };
};

/** Bodies are described for /openapi.json and read by our own reader, after the guard. */
const jsonBody = (schema: unknown) => ({ requestBody: { required: true, content: { "application/json": { schema: schema as never } } } });
const TAGS = { tags: ["OpenAI"] };

export function openaiRoutes(ctx: OpenAiContext) {
  const served = () => ({ pool: ctx.pool, successors: ctx.settings.current().generation.successors });
  return new Elysia({ name: "openai" })
    .onError(({ error }) => failed(ctx, error))
    .get("/v1/models", () => Response.json(listedModels(served())), {
      detail: { ...TAGS, summary: "List the models that this pool serves" },
    })
    .get("/v1/models/*", ({ request }) => Response.json(oneModel(served(), idIn(request.url))), {
      detail: { ...TAGS, summary: "One model" },
    })
    .post(
      "/v1/chat/completions",
      ({ request, server }) => {
        server?.timeout(request, 0);
        return chat(ctx, { request, ...ctx.callOf(request) });
      },
      { parse: "none", detail: { ...TAGS, summary: "Make images from a conversation", ...jsonBody(ChatBody) } },
    );
}

/** The id after `/v1/models/`, with slashes as they are or escaped. */
function idIn(url: string): string {
  const path = new URL(url).pathname.slice("/v1/models/".length);
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function failed({ log }: Pick<OpenAiContext, "log">, error: unknown): Response {
  const response = errorResponse(error);
  if (response.status === 500) log.error("A request failed by a bug", { error });
  return response;
}
