// The thread that brings write-ahead logs into their databases; plain JavaScript, because the executable holds it as a file.
import { Database } from "bun:sqlite";

const databases = new Map();

/** The connection of this thread: it never writes, and may wait. */
function open(file) {
  const db = new Database(file, { readwrite: true, create: false });
  db.run("PRAGMA busy_timeout = 1000");
  databases.set(file, db);
  return db;
}

/** Each message is the path of a database; so is the answer. */
self.onmessage = ({ data: file }) => {
  const db = databases.get(file) ?? open(file);
  db.run("PRAGMA wal_checkpoint(PASSIVE)");
  self.postMessage(file);
};
