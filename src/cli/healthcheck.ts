// flow2api healthcheck: asks the server on this machine whether it lives.
import { AppError } from "../errors.ts";
import { send } from "../http.ts";
import { readConfig } from "./folder.ts";
import { defineVerb, FOLDER_OPTIONS } from "./verb.ts";

const TIMEOUT_MS = 5000;

export const healthcheck = defineVerb({
  name: "healthcheck",
  summary: "Ask the server on this machine whether it lives; exit code 0 or 1.",
  options: {
    host: { type: "string", value: "H", help: "address to ask (default: the one listened on, seen from here)" },
    port: { type: "string", value: "P", help: "port to ask (default: server.port)" },
    ...FOLDER_OPTIONS,
  },
  async run({ values, io }) {
    const flags = { "server.host": values.host, "server.port": values.port };
    const { host, port } = readConfig(values, io, flags).settings.server;
    const address = `${reachable(host)}:${port}`;
    const asking = send({ url: `http://${address}/health`, proxy: null, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const response = await asking.catch((cause) => {
      throw new AppError("network", `No server answers on ${address}.`, { cause });
    });
    await response.body?.cancel();
    if (!response.ok) throw new AppError("upstream_unavailable", `The server on ${address} answered ${response.status}.`);
    io.stdout("ok\n");
    return 0;
  },
});

/** An address that a client can name for what a server listens on. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
