// Entry of the thread that writes the databases; the executable holds it as a module of its own.
import { runStoreThread } from "./db/sqlite/thread/run.ts";

runStoreThread();
