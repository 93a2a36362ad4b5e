// Route /mcp of the Model Context Protocol (streamable HTTP); its library is loaded when the first request arrives.
import { Elysia } from "elysia";
import type { KeyRow } from "../../domain/key.ts";
import { Previews } from "../../gateway/media/previews.ts";
import { newRequestId } from "../../ids.ts";
import type { BodyReader } from "../body/body.ts";
import type { Api, McpRequest } from "./call.ts";
import type { McpServer } from "./server.ts";

export type McpContext = Omit<Api, "previews"> & {
  bodies: BodyReader;
  /** The facts of an admitted request, from the guard. */
  callOf(request: Request): { requestId: string; key: KeyRow; origin: string; startedAt: number };
};

type Arrival = { request: Request; server: { timeout(request: Request, seconds: number): void } | null };

export function mcpRoutes(ctx: McpContext) {
  let loading: Promise<McpServer> | null = null;
  const load = () => {
    loading ??= import("./server.ts").then(({ createMcpServer }) => createMcpServer({ ...ctx, previews: new Previews(ctx.log) }));
    return loading;
  };
  return new Elysia({ name: "mcp" }).all(
    "/mcp",
    async ({ request, server }: Arrival) => {
      server?.timeout(request, 0);
      return serveMcp(ctx, await load(), request);
    },
    { parse: "none", detail: { hide: true } },
  );
}

async function serveMcp(ctx: McpContext, server: McpServer, request: Request): Promise<Response> {
  const sent: (() => void)[] = [];
  const { requestId, key, origin, startedAt } = ctx.callOf(request);
  let isFirst = true;
  const mcp: McpRequest = {
    request,
    key,
    origin,
    startedAt,
    nextCallId: () => {
      const id = isFirst ? requestId : newRequestId(ctx.clock.now());
      isFirst = false;
      return id;
    },
    onSent: (task) => void sent.push(task),
  };
  const onSent = () => {
    for (const task of sent) task();
  };
  // Another method or type of body is refused by the library, which reads none.
  if (request.method !== "POST" || !isJson(request)) return observed(await server.serve(mcp, undefined), onSent, () => {});
  const body = await ctx.bodies.json(request, (value) => value);
  const release = () => body[Symbol.dispose]();
  try {
    return observed(await server.serve(mcp, body.value), onSent, release);
  } catch (error) {
    release();
    throw error;
  }
}

const isJson = ({ headers }: Request) => /^application\/json\s*(;|$)/i.test(headers.get("content-type") ?? "");

/** The same response; `onSent` runs when it was read to its end, `onEnd` then and when it is left before. */
function observed(response: Response, onSent: () => void, onEnd: () => void): Response {
  if (!response.body) {
    onSent();
    onEnd();
    return response;
  }
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          controller.close();
          onSent();
        } catch (error) {
          controller.error(error);
        }
        onEnd();
      },
      async cancel(reason) {
        onEnd();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  const headers = new Headers(response.headers);
  // Else nginx holds progress and heartbeats back.
  if (headers.get("content-type")?.startsWith("text/event-stream")) headers.set("x-accel-buffering", "no");
  return new Response(body, { status: response.status, headers });
}
