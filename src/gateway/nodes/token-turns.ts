// Turns of nodes at a token: what must not happen twice at once, as the exchange of a session that rotates its cookie.
import { type Clock, monotonicNow, sleep } from "../../clock.ts";
import type { SharedStore } from "../../db/shared.ts";
import { serverFailure } from "../../errors.ts";
import type { Announcer } from "./announcer.ts";
import type { NodeIdentity } from "./node.ts";

type Dependencies = {
  shared: Pick<SharedStore, "tryLock" | "unlock">;
  node: NodeIdentity;
  announcer: Pick<Announcer, "tell">;
  clock: Clock;
};

/** A turn that is not given back is over then: longer than an exchange takes. */
const LONGEST_MS = 60_000;
const POLL_MS = 100;

export class TokenTurns {
  constructor(private readonly deps: Dependencies) {}

  /** Runs `work` when no other node has its turn. @throws {AppError} `unavailable` when none comes in time */
  async run<T>(tokenId: number, work: () => Promise<T>): Promise<T> {
    const { shared, node, clock } = this.deps;
    const name = `token ${tokenId}`;
    const until = monotonicNow(clock) + LONGEST_MS;
    while (!(await shared.tryLock(node.id, name, LONGEST_MS))) {
      if (monotonicNow(clock) >= until) throw serverFailure("Another server holds this token for too long.", "token_locked");
      await sleep(clock, POLL_MS);
    }
    try {
      return await work();
    } finally {
      // One that cannot be given back is over by itself.
      await shared.unlock(node.id, name).catch(() => {});
    }
  }

  /** The secret of a token, or what is remembered with it, is another. */
  changed(tokenId: number): void {
    this.deps.announcer.tell({ secrets: [tokenId] });
  }
}
