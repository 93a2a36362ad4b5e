// Load-balancing strategies: each is an order of the ready tokens, and the first is taken. Pure but for `random`.
import type { Random } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";

export type Strategy = Settings["pool"]["strategy"];

/** What an order may depend on. */
export type Candidate = {
  id: number;
  weight: number;
  credits: number | null;
  inFlight: number;
  /** Concurrency limit; -1 unlimited. */
  limit: number;
  /** Number of the last lease: the smallest was used the longest ago. */
  used: number;
};

/**
 * Weighted random choice as a race: each token draws an exponential waiting time and the shortest wins. The exponential is memoryless, so
 * drawing again at any moment leaves the probabilities as they are, and a heap can hold the race between draws.
 */
export type Race = { time: number; random: Random };

/** Smaller comes first; `second` decides between equals. */
export type Rank = { first: number; second: number };

/** Concurrency assumed for an unlimited token, to compare it with limited ones. */
const NOMINAL_LIMIT = 100;

const load = ({ inFlight, limit }: Candidate) => inFlight / (limit === -1 ? NOMINAL_LIMIT : limit);
/** A token of weight 0 is taken only when no other is ready. */
const arrival = (race: Race, weight: number) => (weight > 0 ? race.time - Math.log(1 - race.random()) / weight : Number.POSITIVE_INFINITY);

const ORDERS = {
  least_busy: { first: load, second: ({ used }) => used },
  round_robin: { first: ({ used }) => used, second: ({ id }) => id },
  random: { first: (_, race) => arrival(race, 1), second: load },
  weighted: { first: ({ weight }, race) => arrival(race, weight), second: load },
  fill_first: { first: ({ id }) => id, second: () => 0 },
  most_credits: { first: ({ credits }) => -(credits ?? -1), second: load },
} as const satisfies Record<
  Strategy,
  { first(candidate: Candidate, race: Race): number; second(candidate: Candidate, race: Race): number }
>;

/** Writes the candidate's rank in the strategy's order into `rank`. */
export function rankInto(rank: Rank, strategy: Strategy, candidate: Candidate, race: Race): void {
  const order: { first(candidate: Candidate, race: Race): number; second(candidate: Candidate, race: Race): number } = ORDERS[strategy];
  rank.first = order.first(candidate, race);
  rank.second = order.second(candidate, race);
}

/** After a winner was taken: the race continues from its time. */
export function advance(race: Race, winner: Rank, strategy: Strategy): void {
  if ((strategy === "random" || strategy === "weighted") && Number.isFinite(winner.first)) race.time = winner.first;
}
