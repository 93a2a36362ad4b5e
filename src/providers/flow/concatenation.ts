// Joins videos in Flow: submission, status, and the joined bytes, which come with the status. Costs nothing.
import type { TempFile } from "../../domain/generation.ts";
import { dropMedia, readMediaJson } from "../json-media.ts";
import { damaged } from "../json-stream.ts";
import type { CallContext, ProviderToken } from "../provider.ts";
import { decodeFile, VIDEO_FILE } from "./files.ts";
import type { Piece } from "./handle.ts";
import type { Sessions } from "./session.ts";
import { type Transport, withLimit, withoutCost } from "./transport.ts";
import { concatenationBody, parseConcatenation, parseConcatenationStatus, type VideoState } from "./video-convert.ts";

export type Concatenation = {
  /** Submits it and returns its name. @throws {AppError} as `Transport.ask`: a lost response counts as not made */
  submit(pieces: readonly Piece[], token: ProviderToken, call: CallContext): Promise<string>;
  /** @throws {AppError} as `submit` */
  status(name: string, token: ProviderToken, call: CallContext): Promise<VideoState>;
  /** The bytes that come with the status. @throws {AppError} as `decodeFile` */
  fetchBytes(name: string, token: ProviderToken, call: CallContext): Promise<TempFile>;
};

const SUBMIT_LIMIT_MS = 60_000;
/** The status of a finished one carries the whole video. */
const STATUS_LIMIT_MS = 120_000;

export function createConcatenation(transport: Transport, sessions: Sessions): Concatenation {
  const ask = (name: string, token: ProviderToken, call: CallContext): Promise<Response> =>
    sessions.use(token, call, ({ accessToken }) =>
      transport.open({
        operation: "status",
        path: ":runVideoFxCheckConcatenationStatus",
        auth: { accessToken },
        body: { operation: { operation: { name } } },
        proxy: token.proxy,
        signal: call.signal,
      }),
    );

  return {
    async submit(pieces, token, call) {
      const { proxy } = token;
      const { signal } = call;
      const { body } = await sessions.use(token, call, ({ accessToken }) =>
        transport.ask({
          operation: "concatenation",
          path: ":runVideoFxConcatenation",
          auth: { accessToken },
          body: concatenationBody(pieces),
          proxy,
          signal,
          limitMs: SUBMIT_LIMIT_MS,
        }),
      );
      const name = parseConcatenation(body);
      if (!name) throw damaged("malformed", "Flow's answer names no concatenation.");
      return name;
    },
    async status(name, token, call) {
      using limit = withLimit(call.signal, STATUS_LIMIT_MS);
      const { signal } = limit;
      try {
        const response = await ask(name, token, { ...call, signal });
        const { body } = await readMediaJson(response, { keys: [VIDEO_FILE.field], openTempFile: dropMedia, signal });
        return parseConcatenationStatus(body);
      } catch (error) {
        throw withoutCost(error);
      }
    },
    fetchBytes: async (name, token, call) => decodeFile(await ask(name, token, call), VIDEO_FILE, call),
  };
}
