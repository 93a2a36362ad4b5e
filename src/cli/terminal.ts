// Asking a person at the terminal for something that others should not read over their shoulder.
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { AppError } from "../errors.ts";

/** Writes `question` to standard error and reads one line without showing it. @throws {AppError} `cancelled` on Ctrl-C or Ctrl-D */
export function askHidden(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  return new Promise((resolve, reject) => {
    terminal.once("close", () => reject(new AppError("cancelled", "Stopped.")));
    terminal.once("line", (line) => {
      process.stderr.write("\n");
      resolve(line);
      terminal.close();
    });
  });
}
