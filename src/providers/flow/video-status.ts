// Asks Flow once how far a video is, in the form that its submission was answered in.
import { damaged } from "../json-stream.ts";
import type { CallContext, ProviderToken } from "../provider.ts";
import type { FlowVideo } from "./handle.ts";
import type { Sessions } from "./session.ts";
import type { Transport } from "./transport.ts";
import { parseStatus, statusBody, type VideoState } from "./video-convert.ts";

const STATUS_LIMIT_MS = 45_000;

/** @throws {AppError} as `Transport.ask`, and `malformed` for a response that does not speak of the video */
export type AskStatus = (video: FlowVideo, token: ProviderToken, call: CallContext) => Promise<VideoState>;

export function createVideoStatus(transport: Transport, sessions: Sessions): AskStatus {
  return async (video, token, call) => {
    const { body } = await sessions.use(token, call, ({ accessToken }) =>
      transport.ask({
        operation: "status",
        path: "video:batchCheckAsyncVideoGenerationStatus",
        auth: { accessToken },
        body: statusBody(video),
        asText: true,
        proxy: token.proxy,
        signal: call.signal,
        limitMs: STATUS_LIMIT_MS,
      }),
    );
    const status = parseStatus(body, video.name);
    if (!status) throw damaged("malformed", "Flow's answer does not speak of the video.");
    return status;
  };
}
