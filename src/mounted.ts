// Mounted: an Elysia app behind a wildcard of another, made when its first request comes.
import { Elysia } from "elysia";
import { Late } from "./late.ts";
import { nextTurn } from "./serial.ts";

type Handled = { error?: unknown; pattern: string | null };
type Server = Elysia["server"];

/** What its routes throw, also where it has no such route, is thrown to the outer app: there is one place that answers failures. */
export class Mounted<T extends { routes: Elysia }> extends Late<T> {
  readonly #handled = new WeakMap<Request, Handled>();
  #mounting: Promise<Elysia> | null = null;

  /** @param server the one that listens; null: none does */
  constructor(
    create: () => Promise<T>,
    private readonly server: () => Server,
  ) {
    super(create);
  }

  /** The response of the route that the request is for. */
  async handle(request: Request): Promise<Response> {
    const { routes } = await this.load();
    this.#mounting ??= this.#mountInTurns(routes);
    const app = await this.#mounting;
    app.server = this.server();
    const response = await app.handle(request);
    const handled = this.#handled.get(request);
    if (handled && "error" in handled) throw handled.error;
    return response;
  }

  /** Of the route that handled the request; null: it was not for this app. */
  patternOf(request: Request): string | null {
    return this.loaded && (this.#handled.get(request)?.pattern ?? null);
  }

  /** What hundreds of routes take at once would stop the event loop for tens of milliseconds. */
  async #mountInTurns(routes: Elysia): Promise<Elysia> {
    await nextTurn();
    const app = this.#mount(routes);
    await nextTurn();
    app.compile();
    await nextTurn();
    return app;
  }

  #mount(routes: Elysia): Elysia {
    return new Elysia()
      .onError(({ request, error, route }) => {
        this.#handled.set(request, { error, pattern: route || null });
        return new Response(null, { status: 500 });
      })
      .mapResponse(({ request, route }) => {
        if (!this.#handled.has(request)) this.#handled.set(request, { pattern: route });
      })
      .use(routes) as unknown as Elysia;
  }
}
