// Methods of what several nodes decide together, on the writer and the connections of a store.
import type { SharedStore } from "../../shared.ts";
import type { ACTIONS } from "../actions.ts";
import type { Postgres } from "../driver.ts";
import type { Writer } from "../writer.ts";

/** Notifications of this program. */
const CHANNEL = "flow2api";

/** What several nodes decide together, on a store that is open. */
export const createShared = (db: Postgres, write: Writer<typeof ACTIONS>["write"]): SharedStore => ({
  takeSlots: (node, batch) => write("takeSlots", node, batch),
  giveSlots: (node, batch) => write("giveSlots", node, batch),
  correctSlots: (node, held, spends) => write("correctSlots", node, held, spends),
  releaseConcurrency: (reservations) => write("releaseConcurrency", reservations),
  tryLock: (node, name, maxMs) => write("tryLock", node, name, maxMs),
  unlock: (node, name) => write("unlock", node, name),
  notify: (message) => db.notify(CHANNEL, message),
  async listen(onMessage, onReady) {
    const subscription = await db.listen(CHANNEL, onMessage, onReady);
    return () => subscription.unlisten();
  },
  countLoginTry: (tried) => write("countLoginTry", tried),
  endLoginFailures: (tried) => write("endLoginFailures", tried),
  deleteLoginFailuresBefore: (at) => write("deleteLoginFailuresBefore", at),
});
