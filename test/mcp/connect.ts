// Official MCP clients on a server under test: of the first SDK, and of the second in both of its modes.
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

export type Block = { type: string; text?: string; data?: string; mimeType?: string; uri?: string; size?: number };
export type Result = { content: Block[]; isError?: boolean; _meta?: { [name: string]: unknown } };
export type Note = { progress: number; message?: string };

export type McpClient = AsyncDisposable & {
  /** Protocol version in use. */
  version(): string | undefined;
  tools(): Promise<{ name: string; inputSchema: { [name: string]: unknown } }[]>;
  call(name: string, given?: object, options?: { onProgress?: (note: Note) => void; signal?: AbortSignal }): Promise<Result>;
};

type Target = { url: string; key: string };
const init = ({ key }: Target) => ({ requestInit: { headers: { authorization: `Bearer ${key}` } } });
const INFO = { name: "test", version: "1.0.0" };
/** Above what a loaded machine takes. */
const TIMEOUT = 120_000;

async function connectFirst(target: Target): Promise<McpClient> {
  const client = new Client(INFO);
  const transport = new StreamableHTTPClientTransport(new URL(`${target.url}/mcp`), init(target));
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  return {
    version: () => transport.protocolVersion,
    tools: async () => (await client.listTools()).tools,
    call: async (name, given = {}, { onProgress, signal } = {}) =>
      (await client.callTool({ name, arguments: { ...given } }, undefined, {
        timeout: TIMEOUT,
        signal,
        ...(onProgress ? { onprogress: onProgress } : {}),
      })) as Result,
    [Symbol.asyncDispose]: () => client.close(),
  };
}

const connectSecond =
  (mode: "auto" | "legacy") =>
  async (target: Target): Promise<McpClient> => {
    const client = new ModernClient(INFO, { versionNegotiation: { mode } });
    await client.connect(new ModernTransport(new URL(`${target.url}/mcp`), init(target)));
    return {
      version: () => client.getNegotiatedProtocolVersion(),
      tools: async () => (await client.listTools()).tools,
      call: async (name, given = {}, { onProgress, signal } = {}) =>
        (await client.callTool(
          { name, arguments: { ...given } },
          { timeout: TIMEOUT, signal, ...(onProgress ? { onprogress: onProgress } : {}) },
        )) as Result,
      [Symbol.asyncDispose]: () => client.close(),
    };
  };

/** Each client with the protocol version that it comes to. */
export const CLIENTS: [name: string, connect: (target: Target) => Promise<McpClient>, version: string][] = [
  ["the first SDK", connectFirst, "2025-11-25"],
  ["the second SDK, as of 2025", connectSecond("legacy"), "2025-11-25"],
  ["the second SDK, as of 2026", connectSecond("auto"), "2026-07-28"],
];

export const connect = connectSecond("auto");

export const textOf = ({ content }: Result): string => content.map(({ text }) => text ?? "").join("\n");
export const linkOf = ({ content }: Result): string => content.find(({ type }) => type === "resource_link")!.uri!;
export const errorOf = ({ isError, _meta, ...result }: Result) => ({
  isError,
  text: textOf(result),
  ...(_meta?.["flow2api/error"] as { code: string; param: string | null }),
});

/** One JSON-RPC request without a client. */
export const rpc = (method: string, params: object = {}) => ({ jsonrpc: "2.0", id: 1, method, params });
export const INITIALIZE = rpc("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: INFO });
