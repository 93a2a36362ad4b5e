// Places: the locations of providers that tokens are in, whose capacity all tokens there share.

import type { TokenRow } from "../../domain/token.ts";
import { NONE } from "./own-map.ts";
import type { Place, PoolToken } from "./pool-token.ts";

/** Location of tokens that name none. */
const DEFAULT_LOCATION = "global";

const keyOf = ({ provider, location }: Pick<TokenRow, "provider" | "location">): string =>
  `location ${provider} ${location ?? DEFAULT_LOCATION}`;

export class Places {
  readonly #places = new Map<string, Place>();

  /** The place of a row. */
  of(row: TokenRow): Place {
    const key = keyOf(row);
    let place = this.#places.get(key);
    if (!place) {
      place = { key, tokens: new Set(), families: NONE };
      this.#places.set(key, place);
    }
    return place;
  }

  /** Puts the token where its row says that it is. */
  join(token: PoolToken): void {
    if (token.place.key !== keyOf(token.row)) {
      this.leave(token);
      token.place = this.of(token.row);
    }
    // A place that was left by its last token is forgotten.
    this.#places.set(token.place.key, token.place);
    token.place.tokens.add(token);
  }

  leave(token: PoolToken): void {
    const { place } = token;
    place.tokens.delete(token);
    if (place.tokens.size === 0) this.#places.delete(place.key);
  }
}
