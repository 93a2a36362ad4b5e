// Capacity board: a tile for each provider and model: ready, busy, back at a time, cannot and why, or not offered. Pure.

import type { Kind } from "../../domain/generation.ts";
import type { Catalogue } from "../models/catalogue/catalogue.ts";
import type { Family } from "../models/family.ts";
import type { Capacity, FamilyOfKind, PoolCapacity } from "../pool/capacity.ts";

export type TileState = "none" | "ready" | "busy" | "cooling" | "cannot";

/** `none`: the provider does not offer it, or no token of ours has it. */
export type Tile = { provider: string; state: TileState } & Pick<
  Capacity,
  "tokens" | "ready" | "busy" | "until" | "reason" | "left" | "credits"
>;

export type BoardRow = { family: string; kind: Kind; tiles: Tile[] };

export type Board = {
  /** Those that have tokens, in the order of the columns. */
  providers: string[];
  /** Images first, the recommended model of each kind first. */
  rows: BoardRow[];
  /** Models that no token of ours has. */
  unserved: number;
};

/** The order of people; others follow by name. */
const ORDER = ["gemini", "vertex", "flow"];

/** Families whose capacity is counted: those that are not switched off. */
export const countedFamilies = (catalogue: Catalogue): FamilyOfKind[] => livingFamilies(catalogue).map(({ id, kind }) => ({ id, kind }));

const livingFamilies = (catalogue: Catalogue): Family[] =>
  [...catalogue.families("image"), ...catalogue.families("video")].filter(({ isOff }) => !isOff);

/** @param withTokens names of the providers that have tokens */
export function boardOf(catalogue: Catalogue, capacity: PoolCapacity, withTokens: readonly string[]): Board {
  const place = (provider: string) => (ORDER.includes(provider) ? ORDER.indexOf(provider) : ORDER.length);
  const providers = [...withTokens].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
  const rows = livingFamilies(catalogue).map(({ id, kind }) => ({
    family: id,
    kind,
    tiles: providers.map((provider) => tileOf(provider, capacity.families.get(provider)?.get(id))),
  }));
  const served = rows.filter(({ tiles }) => tiles.some(({ state }) => state !== "none"));
  return { providers, rows: served, unserved: rows.length - served.length };
}

export function stateOf({ tokens, off, ready, busy, until }: Capacity): TileState {
  if (tokens + off === 0) return "none";
  if (ready > 0) return "ready";
  if (busy > 0) return "busy";
  return until === null ? "cannot" : "cooling";
}

const NOTHING = { tokens: 0, ready: 0, busy: 0, until: null, reason: null, left: null, credits: null };

function tileOf(provider: string, capacity: Capacity | undefined): Tile {
  if (!capacity) return { provider, state: "none", ...NOTHING };
  const { tokens, ready, busy, until, reason, left, credits } = capacity;
  return { provider, state: stateOf(capacity), tokens, ready, busy, until, reason, left, credits };
}
