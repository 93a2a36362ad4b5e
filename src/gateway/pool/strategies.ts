// How a token is chosen among those that can serve: each strategy is an order, the first is taken. Pure but for the chance it is given.
import type { Random } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";

export type Strategy = Settings["pool"]["strategy"];

/** What an order may look at. */
export type Candidate = {
  id: number;
  weight: number;
  credits: number | null;
  inFlight: number;
  /** Calls at once; -1 unlimited. */
  limit: number;
  /** Grows with every lease: the least was used the longest ago. */
  used: number;
};

/**
 * Chance as a race: everyone draws an exponential waiting time and the shortest wins. The exponential has no memory, so drawing
 * again after a win, or at any other moment, leaves the chances as they are, and a heap can hold the race between draws.
 */
export type Race = { time: number; random: Random };

/** Smaller comes first; `second` decides between equals. */
export type Rank = { first: number; second: number };

/** Calls that an unlimited token is taken to bear, so that it can be compared with limited ones. */
const NOMINAL_LIMIT = 100;

const load = ({ inFlight, limit }: Candidate) => inFlight / (limit === -1 ? NOMINAL_LIMIT : limit);
/** A weight of 0 comes only when nobody else can. */
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

/** Writes the candidate's place in the strategy's order into `rank`. */
export function rankInto(rank: Rank, strategy: Strategy, candidate: Candidate, race: Race): void {
  const order: { first(candidate: Candidate, race: Race): number; second(candidate: Candidate, race: Race): number } = ORDERS[strategy];
  rank.first = order.first(candidate, race);
  rank.second = order.second(candidate, race);
}

/** After a winner was taken: the race goes on from its time. */
export function advance(race: Race, winner: Rank, strategy: Strategy): void {
  if ((strategy === "random" || strategy === "weighted") && Number.isFinite(winner.first)) race.time = winner.first;
}
