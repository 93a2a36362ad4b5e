// flow2api token list: the pool, a line or a JSON row each.
import type { TokenRow } from "../../domain/token.ts";
import { type HealthView, type PoolTokenView, viewRows } from "../../gateway/pool/snapshot.ts";
import { redactText } from "../../log.ts";
import { openFolder } from "../folder.ts";
import { printableCell, rowsText } from "../table.ts";
import { defineVerb, FOLDER_OPTIONS } from "../verb.ts";

export const tokenList = defineVerb({
  name: "token list",
  summary: "List the pool: id, provider, label, account, health.",
  options: { json: { type: "boolean", help: "everything but secrets, as JSON; times in epoch ms" }, ...FOLDER_OPTIONS },
  async run({ values, io }) {
    await using folder = await openFolder(values, io);
    const rows = await folder.store.listTokens();
    const views = viewRows(rows, io.now());
    if (values.json)
      io.stdout(
        `${JSON.stringify(
          rows.map((row, index) => tokenJson(row, views[index]!)),
          null,
          2,
        )}\n`,
      );
    else io.stdout(rowsText(views.map((view, index) => tokenCells(view, rows[index]!))));
    return 0;
  },
});

/** `account`: whose it is where a check learned it, else the end of the secret. */
const tokenCells = (token: PoolTokenView, { identity, hint }: TokenRow) => {
  const account = identity ?? (hint === "" ? "-" : `…${hint}`);
  return [`${token.id}`, token.provider, printableCell(token.label), printableCell(account), healthText(token)];
};

/** The token as a whole; where that is not in cooldown, the models of it that are. */
function healthText({ health, models }: PoolTokenView): string {
  if (health.state !== "healthy" || models.length === 0) return stateText(health);
  return `healthy, but ${models.map((model) => `${model.family} ${stateText(model)}`).join(", ")}`;
}

function stateText({ state, reason, until }: HealthView): string {
  if (state === "healthy" || state === "disabled") return state;
  return `${state}: ${reason}${until === null ? "" : ` until ${new Date(until).toISOString().slice(0, 19)}Z`}`;
}

/** A proxy's address may carry a password. */
const tokenJson = (row: TokenRow, { health, models, lastError, spentToday }: PoolTokenView) => ({
  ...row,
  proxy: row.proxy === null ? null : redactText(row.proxy),
  health: health.state,
  healthDetails: { ...health, models, lastError, spentToday },
});
