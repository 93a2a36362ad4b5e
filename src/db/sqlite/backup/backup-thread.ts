// Backup in a thread: copying a database holds its thread for seconds, which the event loop cannot spare.
import { receiveError, type SentError, sendError } from "../thread/messages.ts";
import { type BackupOptions, type BackupReport, writeBackup } from "./backup-file.ts";

type Reply = { report: BackupReport } | { error: SentError };

declare const self: { onmessage: (event: MessageEvent<BackupOptions>) => void; postMessage(message: Reply): void };

/** The thread's side: writes one backup. */
export function runBackupThread(): void {
  self.onmessage = async ({ data }) => {
    try {
      self.postMessage({ report: await writeBackup(data) });
    } catch (error) {
      self.postMessage({ error: sendError(error) });
    }
  };
}

/**
 * As {@link writeBackup}, in a thread that ends with it.
 * @param url the module that calls {@link runBackupThread}
 * @param stop ends the thread, which leaves its folder beside the file. Rejects with the signal's reason
 */
export async function writeBackupApart(url: URL, options: BackupOptions, stop?: AbortSignal): Promise<BackupReport> {
  stop?.throwIfAborted();
  const worker = new Worker(url, { smol: true });
  try {
    const reply = await new Promise<Reply>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Reply>) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      stop?.addEventListener("abort", () => reject(stop.reason), { once: true });
      worker.postMessage(options);
    });
    if ("error" in reply) throw receiveError(reply.error);
    return reply.report;
  } finally {
    worker.terminate();
  }
}
