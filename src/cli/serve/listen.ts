// Starting a server from the command line: the log it writes, and an address that it cannot have.
import { systemClock } from "../../clock.ts";
import type { Config } from "../../config/config.ts";
import { AppError } from "../../errors.ts";
import { createLog, type Log } from "../../log.ts";
import { Watchdog } from "../../watchdog/watchdog.ts";
import type { Io } from "../verb.ts";
import { LineWriter } from "./line-writer.ts";

/** The log that the settings ask for, on standard error, its lines gathered. Disposed: what waits is written. */
export function createServerLog(config: Config, io: Io): Log & Disposable {
  const { level } = config.settings.log;
  const lines = new LineWriter(
    (text) => io.stderr(text),
    systemClock,
    (lost) => log.warn("Nobody read the log: lines are lost", { lost }),
  );
  const flush = () => lines.flush();
  io.onExit(flush);
  const log = createLog({ level, format: formatOf(config, io), now: io.now, write: (line, of) => lines.add(line, of) });
  return { ...log, [Symbol.dispose]: flush };
}

function formatOf({ settings: { log } }: Config, io: Io): "json" | "pretty" {
  return log.format === "auto" ? (io.isTerminal ? "pretty" : "json") : log.format;
}

/** Watches the event loop until disposed. Signals must be handled already. */
export const watchEventLoop = (config: Config, io: Io, log: Log): Watchdog => new Watchdog(log, formatOf(config, io));

/** Resolves as `starting` does. @throws {AppError} `conflict` when host or port cannot be had, in one line that says what to do */
export async function listening<Server>(starting: Promise<Server>, { host, port }: { host: string; port: number }): Promise<Server> {
  try {
    const server = await starting;
    compileFromNow();
    return server;
  } catch (error) {
    const code = codeOf(error) ?? codeOf((error as Error).cause);
    if (code === "EADDRINUSE") throw new AppError("conflict", takenText(error, port), { cause: error });
    if (code === "EACCES")
      throw new AppError("conflict", `Port ${port} needs rights; choose one above 1023 with --port.`, { cause: error });
    if (isNoAddress(error, code))
      throw new AppError("conflict", `${host} is no address of this machine: choose another with --host.`, { cause: error });
    throw error;
  }
}

/** The executable compiles little of what a start runs once (`scripts/build.ts`); what requests run is compiled as usual. */
const compileFromNow = (): void => Bun.unsafe.setJITPolicy(1);

/** The system's words name the port where it is not the server's own. */
function takenText(error: unknown, port: number): string {
  const taken = Number(/\bport (\d+)/.exec((error as Error).message)?.[1] ?? port);
  return `Port ${taken} is taken; choose another with ${taken === port ? "--port" : "admin.port"}.`;
}

/** A name that means nothing fails in `listen` under whatever error number the process met last; port and rights are asked before. */
const isNoAddress = (error: unknown, code: string | undefined): boolean =>
  code === "EADDRNOTAVAIL" || (error as NodeJS.ErrnoException).syscall === "listen";

const codeOf = (error: unknown): string | undefined => (error as { code?: string } | undefined)?.code;
