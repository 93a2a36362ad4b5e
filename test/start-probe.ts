// Preloaded into a server by start.test.ts: counts what its start reads and loads. Written to the file START_PROBE when it is told to stop.
import { Database } from "bun:sqlite";
import { writeFileSync, writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

export type StartProbe = { rows: number; workers: number; collections: number; modules: string[]; streams: string[] };

/** Of the server's own thread: rows that its statements gave. */
let rows = 0;
let workers = 0;
/** Garbage collections that were asked for, as Elysia does with each router that it builds. */
let collections = 0;

/** Of the process's own, those that were asked for. */
const streams = new Set<string>();

/** They are made when they are asked for, also by who only looks how: stand-ins take their place. */
function countStreams(): void {
  for (const [name, fd] of [
    ["stdout", 1],
    ["stderr", 2],
  ] as const) {
    const write = (text: string, then?: () => void) => {
      writeSync(fd, text);
      then?.();
    };
    const standIn = { on() {}, write };
    Object.defineProperty(process, name, { configurable: true, get: () => streams.add(name) && standIn });
  }
}

function countRows(): void {
  const seen = new WeakSet<object>();
  const query = Database.prototype.query;
  Database.prototype.query = function (this: Database, sql: string) {
    const statement = query.call(this, sql);
    if (seen.has(statement)) return statement;
    seen.add(statement);
    const { all, get } = statement;
    statement.all = (...values) => {
      const found = all.apply(statement, values);
      rows += found.length;
      return found;
    };
    statement.get = (...values) => {
      const found = get.apply(statement, values);
      if (found !== null) rows += 1;
      return found;
    };
    return statement;
  } as typeof query;
}

function countWorkers(): void {
  const Original = globalThis.Worker;
  globalThis.Worker = class extends Original {
    constructor(...given: ConstructorParameters<typeof Worker>) {
      super(...given);
      workers += 1;
    }
  };
}

function countCollections(): void {
  const { gc } = Bun;
  Bun.gc = (...given) => {
    collections += 1;
    return gc(...given);
  };
}

if (isMainThread) {
  countRows();
  countStreams();
  countWorkers();
  countCollections();
  process.on("SIGUSR2", () => {
    const probe: StartProbe = { rows, workers, collections, modules: Object.keys(require.cache), streams: [...streams] };
    writeFileSync(process.env.START_PROBE!, JSON.stringify(probe));
  });
}
