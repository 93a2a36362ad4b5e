// MCP server over the SDK: lists and calls the tools, for clients of both protocol generations. Loaded at first use.
import {
  type CallToolResult,
  createMcpHandler,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { AppError } from "../../errors.ts";
import { VERSION } from "../../version.ts";
import { HEARTBEAT_MS } from "../sse.ts";
import type { Api, Call, McpRequest } from "./call.ts";
import { toolError } from "./errors.ts";
import { Progress } from "./progress.ts";
import { listedSchema } from "./schema.ts";
import { TOOLS, type Tool } from "./tools.ts";

const INSTRUCTIONS =
  "Makes images and videos. generate_image and edit_image return the result; generate_video returns a job, which get_job waits for. " +
  "Show the person the links of results as Markdown. Do not repeat a failed call unless its message says that another try helps.";

export type McpServer = { serve(request: McpRequest, body: unknown): Promise<Response> };

export function createMcpServer(api: Api): McpServer {
  const tools = TOOLS.filter(({ isOfJobs }) => !isOfJobs || api.jobs);
  const listed = tools.map(describe);
  const handler = createMcpHandler(({ authInfo }) => serverFor(authInfo!.extra!.request as McpRequest), {
    // A tool may be silent for minutes; only streams have heartbeats.
    responseMode: "sse",
    keepAliveMs: HEARTBEAT_MS,
    onerror: (error) => api.log.debug("An MCP request was refused", { error }),
  });

  function serverFor(request: McpRequest): Server {
    const info = { name: "flow2api", title: "flow2api", version: VERSION };
    const server = new Server(info, { capabilities: { tools: {} }, instructions: INSTRUCTIONS });
    server.setRequestHandler("tools/list", () => ({ tools: listed }));
    server.setRequestHandler("tools/call", async ({ params }, context) => {
      const tool = tools.find(({ name }) => name === params.name);
      if (!tool) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${params.name.slice(0, 80)}`);
      return callTool(api, request, tool, { given: params.arguments, context });
    });
    return server;
  }

  return {
    serve: (request, body) => {
      // The key is checked already; the SDK only carries the request along.
      const authInfo = { token: "", clientId: String(request.key.id), scopes: [], extra: { request } };
      return handler.fetch(request.request, { authInfo, ...(body === undefined ? {} : { parsedBody: body }) });
    },
  };
}

function describe({ name, title, description, readsOnly, schema }: Tool) {
  // Generations add media and undo nothing; results come from models outside.
  const annotations = { title, readOnlyHint: readsOnly, destructiveHint: false, idempotentHint: readsOnly, openWorldHint: !readsOnly };
  return { name, title, description, inputSchema: listedSchema(schema), annotations };
}

async function callTool(
  api: Api,
  request: McpRequest,
  tool: Tool,
  { given, context }: { given: unknown; context: ServerContext },
): Promise<CallToolResult> {
  const requestId = request.nextCallId();
  using progress = new Progress(api.clock, senderOf(context));
  // The request's own signal: the SDK's is aborted after each normal end as well.
  const call: Call = { ...request, requestId, signal: request.request.signal, progress };
  let isRefused = true;
  try {
    const result = await tool.run(api, call, given);
    isRefused = false;
    return result;
  } catch (error) {
    if (!(error instanceof AppError)) api.log.error("An MCP tool failed by a bug", { tool: tool.name, error });
    return toolError(error);
  } finally {
    await api.media.endRequest(requestId, isRefused);
  }
}

/** Null: the client wants no progress. */
function senderOf({ mcpReq }: ServerContext) {
  const token = mcpReq._meta?.progressToken;
  if (token === undefined) return null;
  return (note: object) => {
    const sent = mcpReq.notify({ method: "notifications/progress", params: { progressToken: token, ...note } });
    sent.catch(() => {});
  };
}
