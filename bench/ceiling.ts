// The ceiling: the least that a gateway on this stack can be. Checks a key, picks a token in turn, passes body and response through.
import { Elysia } from "elysia";

const [port, upstream] = [Number(process.argv[2] ?? 0), process.argv[3] ?? ""];
const TOKENS = ["one", "two", "three"];
const MODELS: Record<string, string> = { small: "gemini-nano-banana-2.1", large: "gemini-3.1-flash-image", huge: "gemini-3-pro-image" };
let turn = 0;

const app = new Elysia()
  .onRequest(({ request, set }) => {
    if (request.headers.get("authorization") === "Bearer bench-key") return;
    set.status = 401;
    return "no";
  })
  .get("/health", () => "ok")
  .post(
    "/v1/chat/completions",
    async ({ request }) => {
      const body = await request.text();
      const model = MODELS[request.headers.get("x-weight") ?? "small"];
      const response = await fetch(`${upstream}/v1beta/models/${model}:generateContent`, {
        method: "POST",
        body,
        headers: { "content-type": "application/json", "x-goog-api-key": TOKENS[turn++ % TOKENS.length]! },
      });
      return new Response(response.body, { status: response.status, headers: { "content-type": "application/json" } });
    },
    { parse: "none" },
  )
  .listen({ hostname: "127.0.0.1", port });
console.log(app.server?.port);
