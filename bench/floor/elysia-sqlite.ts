// Floor: with Elysia, a database that is open, and two threads that do nothing.
import { Database } from "bun:sqlite";
import { Elysia } from "elysia";

const db = new Database(":memory:");
db.run("CREATE TABLE t (a)");
const idle = URL.createObjectURL(new Blob(["self.onmessage = () => {};"], { type: "application/javascript" }));
const threads = [1, 2].map(() => new Worker(idle, { smol: true }));
new Elysia().get("/health", () => `${threads.length} ${db.filename}`).listen({ hostname: "127.0.0.1", port: Number(process.argv[2]) });
