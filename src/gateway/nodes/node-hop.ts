// Node hop: sends a request on to the node that holds what it is about, one internal hop by `server.node_url`.
import { type Clock, sleep } from "../../clock.ts";
import type { NodeStore } from "../../db/nodes.ts";
import { AppError } from "../../errors.ts";
import { readBody, send, withoutEndSlashes } from "../../http.ts";
import type { Log } from "../../log.ts";
import { isLiving, type NodeIdentity } from "./node.ts";

export type NodeHopDependencies = {
  node: NodeIdentity & { readonly isShared: boolean };
  store: Pick<NodeStore, "listNodes">;
  /** Shared by all nodes; nobody else has it. */
  secret: Uint8Array;
  clock: Clock;
  log: Log;
};

/** What a request takes along, and its response brings back. */
const HEADERS = /^(content-type|x-goog-upload-.*)$/;
const HOP = "x-flow2api-hop";
const FRESH_MS = 60_000;
/** For the other node to take what was sent, and to respond, ms. */
const IDLE_MS = 60_000;
const MAX_RESPONSE_BYTES = 1024 * 1024;
const RETRY_MS = 2_000;

export class NodeHop {
  constructor(private readonly deps: NodeHopDependencies) {}

  /** The node that this one is; null: there are no others, and nothing is sent on. */
  get id(): number | null {
    const { node } = this.deps;
    return node.isShared ? node.id : null;
  }

  /**
   * The other node's response. `body` is sent as it is read.
   * @throws {AppError} `not_found` when that node has ended, `unavailable` when it cannot be reached, `cancelled` when the client is gone
   */
  async forward(request: Request, to: number, body: AsyncGenerator<Uint8Array>): Promise<Response> {
    try {
      if (this.isForwarded(request)) throw unreachable("it was sent to another one by its server.node_url");
      const url = await this.urlOf(to);
      const { pathname, search } = new URL(request.url);
      const headers = new Headers([...request.headers].filter(([name]) => HEADERS.test(name)));
      headers.set(HOP, this.sign(pathname));
      return await this.call(request, { url: `${withoutEndSlashes(url)}${pathname}${search}`, headers: Object.fromEntries(headers) }, body);
    } finally {
      await body.return(undefined);
    }
  }

  /** Whether another node has sent it on: it goes no further. */
  private isForwarded(request: Request): boolean {
    const [time = "", mark = ""] = (request.headers.get(HOP) ?? "").split(".");
    if (Math.abs(this.deps.clock.now() - Number(time)) > FRESH_MS) return false;
    const [given, expected] = [mark, this.markOf(new URL(request.url).pathname, time)].map((text) => Buffer.from(text));
    return given!.length === expected!.length && crypto.timingSafeEqual(given!, expected!);
  }

  private sign(path: string): string {
    const time = String(this.deps.clock.now());
    return `${time}.${this.markOf(path, time)}`;
  }

  private markOf(path: string, time: string): string {
    return new Bun.CryptoHasher("sha256", this.deps.secret).update(`node hop\n${time}\n${path}`).digest("base64url");
  }

  private async urlOf(id: number): Promise<string> {
    const found = (await this.deps.store.listNodes()).find((node) => node.id === id && isLiving(node));
    if (!found)
      throw new AppError("not_found", "The node that held this has ended, and what it had received is gone. Begin again from the start.");
    if (!found.url) throw unreachable("it has no server.node_url");
    return found.url;
  }

  private async call(
    request: Request,
    { url, headers }: { url: string; headers: Record<string, string> },
    body: AsyncGenerator<Uint8Array>,
  ): Promise<Response> {
    const { clock, log } = this.deps;
    const late = new AbortController();
    const idle = new IdleTimer(clock, () => late.abort(unreachable("it did not respond in time")));
    const signal = AbortSignal.any([request.signal, late.signal]);
    const method = request.method === "PUT" ? "PUT" : "POST";
    try {
      idle.restart();
      const response = await send({ method, url, headers, body: request.body ? streamOf(body, idle) : "", proxy: null, signal });
      const bytes = await readBody(response, MAX_RESPONSE_BYTES, signal);
      const kept = new Headers([...response.headers].filter(([name]) => HEADERS.test(name)));
      return new Response(bytes.byteLength === 0 ? null : (bytes as BodyInit), { status: response.status, headers: kept });
    } catch (error) {
      if (request.signal.aborted) throw new AppError("cancelled", "The client went away.");
      if (late.signal.aborted) throw late.signal.reason;
      log.warn("Another node could not be reached", { error });
      throw unreachable("it could not be reached");
    } finally {
      idle.stop();
    }
  }
}

const unreachable = (why: string) =>
  new AppError("unavailable", `This was begun on another node, and ${why}. Try again in a moment.`, { retryAfterMs: RETRY_MS });

class IdleTimer {
  #stop = new AbortController();

  constructor(
    private readonly clock: Clock,
    private readonly ring: () => void,
  ) {}

  restart(): void {
    this.stop();
    this.#stop = new AbortController();
    sleep(this.clock, IDLE_MS, this.#stop.signal).then(this.ring, () => {});
  }

  stop(): void {
    this.#stop.abort();
  }
}

/** The time in which the client's next piece is awaited does not count. */
function streamOf(body: AsyncGenerator<Uint8Array>, idle: IdleTimer): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        idle.stop();
        const { done, value } = await body.next();
        idle.restart();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => void (await body.return(undefined)),
    },
    { highWaterMark: 0 },
  );
}
