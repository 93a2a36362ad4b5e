// Rendezvous hashing: which node looks after a token, the same answer on every node that knows the same nodes. Pure.

/** The node with the highest hash; when one goes, only what was its own moves. Null without nodes. */
export function ownerOf(id: number, nodes: readonly number[]): number | null {
  let owner: number | null = null;
  let highest = -1n;
  for (const node of nodes) {
    const hash = Bun.hash(`${node} ${id}`) as bigint;
    if (hash > highest) {
      highest = hash;
      owner = node;
    }
  }
  return owner;
}
