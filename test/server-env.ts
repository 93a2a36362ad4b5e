// Environment of a server in a process of its own whose upstreams are simulated.
import type { Simulator } from "../src/simulator/simulator.ts";

/** On this machine, with as much disk as there is and a log that programs read. */
export const serverEnv = (simulator: Simulator): Record<string, string> => ({
  PATH: process.env.PATH ?? "",
  FLOW2API_SERVER_HOST: "127.0.0.1",
  FLOW2API_GEMINI_BASE_URL: simulator.geminiBaseUrl,
  FLOW2API_FLOW_LABS_BASE_URL: simulator.flowLabsBaseUrl,
  FLOW2API_FLOW_API_BASE_URL: simulator.flowApiBaseUrl,
  FLOW2API_VERTEX_BASE_URL: simulator.vertexBaseUrl,
  FLOW2API_VERTEX_TOKEN_URL: simulator.vertexTokenUrl,
  FLOW2API_MEDIA_MIN_FREE_MB: "0",
  FLOW2API_LOG_FORMAT: "json",
});
