// Vertex AI as a provider: the Gemini adapter's converters, with service accounts, projects and locations.
import { createImages } from "../gemini/client.ts";
import { createTransport, type GeminiOptions } from "../gemini/transport.ts";
import { GeminiVideos, videoMethods } from "../gemini/video.ts";
import { noNews } from "../news.ts";
import type { Provider } from "../provider.ts";
import { checkVertex } from "./check.ts";
import { locationOf, type VertexAddresses, vertexEndpoint } from "./endpoint.ts";

export type VertexOptions = Omit<GeminiOptions, "baseUrl"> & VertexAddresses;

/** The `vertex` provider. It caches access tokens by token id. */
export function createVertex(options: VertexOptions): Provider {
  const { models, now, news = noNews } = options;
  const transport = createTransport(options, vertexEndpoint(options, now));
  return {
    name: "vertex",
    async check(token, { signal, remember }) {
      const caller = { token, signal, remember };
      await transport.prepare(caller);
      const facts = await checkVertex({ transport, caller, location: locationOf(token), models, news });
      const identity = transport.endpoint.identityOf?.(token);
      return { ...(identity ? { identity } : {}), ...facts };
    },
    ...createImages(options, transport),
    ...videoMethods(new GeminiVideos(options, transport)),
  };
}
