// Early bytes of a JSON response (`server.early_bytes`): head and blanks first, the body when it is ready.
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import type { SettingsStore } from "../gateway/settings/settings.ts";
import type { Log } from "../log.ts";
import { streamFrames } from "./sse.ts";

/** Time from the request's arrival after which the head is sent, in ms: the first proxies cut at 30 s. */
export const EARLY_MS = 25_000;
/** JSON parsers skip leading white space (RFC 8259, section 2). */
const BLANK = " ";

type Early = {
  api: { settings: SettingsStore; clock: Clock; log: Log };
  /** Epoch ms of arrival. */
  startedAt: number;
  /** Known before the body. */
  headers?(): Readonly<Record<string, string>>;
  /** The dialect's envelope. */
  errorBody(error: unknown): unknown;
  whole(): Promise<Response>;
};

/** The response of `whole`. With the setting on and after {@link EARLY_MS} a 200 begins: a later failure is an error object in its body. */
export const sendEarly = (early: Early): Promise<Response> => (sendsEarly(early.api) ? sendInTime(early) : early.whole());

export const sendsEarly = ({ settings }: Pick<Early["api"], "settings">): boolean => settings.current().server.early_bytes;

async function sendInTime(early: Early): Promise<Response> {
  const { api, startedAt } = early;
  const response = early.whole();
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const cancel = api.clock.after(Math.max(0, startedAt + EARLY_MS - api.clock.now()), () => resolve(null));
  const first = await Promise.race([response, late]).finally(cancel);
  return first ?? begun(early, response);
}

function begun(early: Early, response: Promise<Response>): Response {
  const { api } = early;
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* await response.then(
      (whole) => whole.body!,
      (error) => {
        if (!(error instanceof AppError)) api.log.error("Begun response failed by a bug", { error });
        return new Response(JSON.stringify(early.errorBody(error))).body!;
      },
    );
  }
  return streamFrames(body(), {
    clock: api.clock,
    heartbeat: BLANK,
    firstMs: 0,
    headers: { "content-type": "application/json; charset=utf-8", ...early.headers?.() },
    // The request's own signal ends the wait for the body.
    onCancel() {},
  });
}
