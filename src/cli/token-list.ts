// flow2api token list: the pool, a line or a JSON row each.
import type { TokenRow } from "../db/store.ts";
import { redactText } from "../log.ts";
import { openFolder } from "./folder.ts";
import { printableCell, rowsText } from "./table.ts";
import { defineVerb, FOLDER_OPTIONS } from "./verb.ts";

export const tokenList = defineVerb({
  name: "token list",
  summary: "List the pool: id, provider, label, health.",
  options: { json: { type: "boolean", help: "everything but secrets, as JSON" }, ...FOLDER_OPTIONS },
  async run({ values, io }) {
    await using folder = await openFolder(values, io);
    const tokens = await folder.store.listTokens();
    io.stdout(values.json ? `${JSON.stringify(tokens.map(tokenJson), null, 2)}\n` : rowsText(tokens.map(tokenCells)));
    return 0;
  },
});

function healthOf(token: TokenRow): string {
  if (!token.enabled) return "disabled";
  return (token.health as { state?: string } | null)?.state ?? "healthy";
}

const tokenCells = (token: TokenRow) => [`${token.id}`, token.provider, printableCell(token.label), healthOf(token)];

/** A proxy's address may carry a password. */
const tokenJson = (token: TokenRow) => ({
  ...token,
  proxy: token.proxy === null ? null : redactText(token.proxy),
  health: healthOf(token),
  healthDetails: token.health,
});
