// Labels for tokens that came without one: the provider's name with the least number that no label has.

/**
 * Gives labels that are not among `taken` and that it has not given before. Never a part of the secret or the account: clients see
 * labels.
 */
export function createLabels(taken: Iterable<string>): (provider: string) => string {
  const labels = new Set(taken);
  /** The last number given, by provider: ten thousand tokens do not count from one again. */
  const numbers = new Map<string, number>();
  return (provider) => {
    let number = (numbers.get(provider) ?? 0) + 1;
    while (labels.has(`${provider}-${number}`)) number++;
    numbers.set(provider, number);
    return `${provider}-${number}`;
  };
}

/** A label for one token more beside `rows`. */
export const freeLabel = (provider: string, rows: readonly { label: string }[]): string =>
  createLabels(rows.map(({ label }) => label))(provider);
