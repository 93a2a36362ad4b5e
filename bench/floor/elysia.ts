// Floor: the same with Elysia.
import { Elysia } from "elysia";

new Elysia().get("/health", () => "").listen({ hostname: "127.0.0.1", port: Number(process.argv[2]) });
