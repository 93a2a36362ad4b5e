// Sign-ins: remembers the addresses that admins came from, and reports one that is new.
import type { Store } from "../../db/store.ts";
import { isRecord } from "../../domain/is-record.ts";
import type { Log } from "../../log.ts";
import { createSerial } from "../../serial.ts";
import { throttleKey } from "../auth/login.ts";
import type { Alerts } from "./alerts.ts";

type Dependencies = { store: Pick<Store, "readFact" | "writeFact">; alerts: Pick<Alerts, "note">; now: () => number; log: Log };

/** By what shares a count at the login: an IPv4 address, or an IPv6 network. Epoch ms of the last sign-in. */
type Known = Record<string, number>;

const FACT = "alerts.sign_ins";
const MOST_KNOWN = 500;
/** An address that was not used for so long is new again, ms. */
const FORGET_MS = 180 * 86_400_000;

export class SignIns {
  readonly #oneByOne = createSerial();

  constructor(private readonly deps: Dependencies) {}

  /** An admin signed in. The first address of all is not reported. Never rejects: it must not hold up the sign-in. */
  note({ address, actor = "admin" }: { address: string | null; actor?: string }): Promise<void> {
    return this.#oneByOne(async () => {
      const { store, alerts, now, log } = this.deps;
      try {
        const text = await store.readFact(FACT);
        const known = readKnown(text, now());
        const key = throttleKey(address);
        if (!(key in known) && text !== null)
          await alerts.note({
            ...{ rule: "sign_in", subject: `${actor} ${key} ${now()}`, level: 1, urgent: false },
            facts: { kind: "signIn", address: address ?? "unknown", actor },
          });
        const entries = Object.entries({ ...known, [key]: now() }).sort((a, b) => b[1] - a[1]);
        await store.writeFact(FACT, JSON.stringify(Object.fromEntries(entries.slice(0, MOST_KNOWN))));
      } catch (error) {
        log.error("A sign-in could not be compared with earlier ones", { error });
      }
    });
  }
}

function readKnown(text: string | null, now: number): Known {
  try {
    const stored: unknown = JSON.parse(text ?? "{}");
    if (!isRecord(stored)) return {};
    return Object.fromEntries(
      Object.entries(stored).filter((entry): entry is [string, number] => typeof entry[1] === "number" && now - entry[1] < FORGET_MS),
    );
  } catch {
    return {};
  }
}
