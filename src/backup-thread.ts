// Entry of the thread that writes a backup; the executable holds it as a module of its own.
import { runBackupThread } from "./db/sqlite/backup/backup-thread.ts";

runBackupThread();
