// Counts what the simulated upstreams were asked, so that tests can assert on the number of submissions.
import { OPERATIONS, type Operation } from "./operations.ts";

export type Tally = {
  /** Requests that arrived, whatever became of them. */
  requests: number;
  /** Generating submissions that the upstream took on. */
  accepted: number;
  /** Accepted submissions that it bills for: a result was made, also when its reply was lost. */
  charged: number;
};

export type SecretTally = Tally & {
  /** Generating requests not yet answered, and the most there ever were at once. */
  inFlight: number;
  maxInFlight: number;
};

export type Counts = {
  total: SecretTally;
  /** Only operations that were asked for. */
  operations: Partial<Record<Operation, Tally>>;
  /** By API key or Flow session; requests without one are counted under the empty name. */
  secrets: Record<string, SecretTally>;
  /** How often each fault struck. */
  faults: Record<string, number>;
};

export type Counter = {
  /** Counts a request and returns its own meter; `end` is called once, when its reply is over. */
  begin(operation: Operation, secret: string): Meter;
  struck(fault: string): void;
  counts(): Counts;
  reset(): void;
};

export type Meter = { accept(submissions: number, charged: boolean): void; end(): void };

export function createCounter(): Counter {
  let counts = emptyCounts();
  return {
    begin(operation, secret) {
      const current = counts;
      current.operations[operation] ??= { requests: 0, accepted: 0, charged: 0 };
      current.secrets[secret] ??= emptySecretTally();
      const tallies: Tally[] = [current.total, current.operations[operation], current.secrets[secret]];
      const gauges = OPERATIONS[operation].generating ? [current.total, current.secrets[secret]] : [];
      for (const tally of tallies) tally.requests++;
      for (const gauge of gauges) gauge.maxInFlight = Math.max(gauge.maxInFlight, ++gauge.inFlight);
      let ended = false;
      return {
        accept(submissions, charged) {
          for (const tally of tallies) {
            tally.accepted += submissions;
            if (charged) tally.charged += submissions;
          }
        },
        end() {
          if (ended) return;
          ended = true;
          for (const gauge of gauges) gauge.inFlight--;
        },
      };
    },
    struck(fault) {
      counts.faults[fault] = (counts.faults[fault] ?? 0) + 1;
    },
    counts: () => structuredClone(counts),
    reset() {
      counts = emptyCounts();
    },
  };
}

function emptyCounts(): Counts {
  return { total: emptySecretTally(), operations: {}, secrets: {}, faults: {} };
}

function emptySecretTally(): SecretTally {
  return { requests: 0, accepted: 0, charged: 0, inFlight: 0, maxInFlight: 0 };
}
