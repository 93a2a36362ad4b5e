// The program from its sources as a process of its own on a folder: `flow2api serve` with a simulator as upstream.
import { join } from "node:path";
import type { Simulator } from "../src/simulator/simulator.ts";

export type ServeProcess = AsyncDisposable & {
  url: string;
  pid: number;
  log(): string;
  /** Ends it with the signal and waits until it is gone. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
};

/** Resolves once it listens. @throws {Error} with its log when it ends before */
export async function startProcess(
  dataDir: string,
  simulator: Pick<Simulator, "geminiBaseUrl">,
  env: Record<string, string> = {},
): Promise<ServeProcess> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "..", "src", "main.ts"), "serve"], {
    stdout: "ignore",
    stderr: "pipe",
    env: {
      PATH: process.env.PATH ?? "",
      FLOW2API_SERVER_HOST: "127.0.0.1",
      FLOW2API_SERVER_PORT: "0",
      FLOW2API_SERVER_DRAIN_TIMEOUT: "2",
      FLOW2API_STORAGE_DATA_DIR: dataDir,
      FLOW2API_GEMINI_BASE_URL: simulator.geminiBaseUrl,
      FLOW2API_MEDIA_MIN_FREE_MB: "0",
      FLOW2API_REFRESH_ENABLED: "false",
      FLOW2API_LOG_FORMAT: "json",
      ...env,
    },
  });
  let logged = "";
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) {
      logged += decoder.decode(chunk, { stream: true });
      const url = /"message":"listening","url":"([^"]+)"/.exec(logged)?.[1];
      if (url) resolve(url);
    }
    reject(new Error(`The server did not start:\n${logged}`));
  })();
  const end = async (signal: "SIGKILL" | "SIGTERM") => {
    child.kill(signal);
    await child.exited;
  };
  return { url: await promise, pid: child.pid, log: () => logged, end, [Symbol.asyncDispose]: () => end("SIGKILL") };
}
