// flow2api models list: every family with state, providers, prices and retirement.
import type { Family, ImagePrice, VideoPrice } from "../../gateway/models/family.ts";
import { openFolder } from "../folder.ts";
import { printableCell, rowsText } from "../table.ts";
import { defineVerb, FOLDER_OPTIONS } from "../verb.ts";

export const modelsList = defineVerb({
  name: "models list",
  summary: "List the models with their state, providers, prices and where they come from.",
  options: FOLDER_OPTIONS,
  async run({ values, io }) {
    await using folder = await openFolder(values, io);
    const catalogue = folder.models.current();
    const families = [...catalogue.families("image"), ...catalogue.families("video")];
    const rows = families.map((family) => [
      family.id,
      family.kind,
      catalogue.foundOf(family.id) ? "found" : family.isOff ? "off" : "on",
      catalogue.originsOf(family.id).get("id") ?? "",
      Object.keys(family.providers).join(","),
      priceText(family),
      retirementText(family),
    ]);
    io.stdout(rowsText([["MODEL", "KIND", "STATE", "FROM", "PROVIDERS", "USD", "RETIRES"], ...rows.map((row) => row.map(printableCell))]));
    const { admin } = folder.models.problems;
    if (admin) io.stderr(`${admin}\n`);
    return 0;
  },
});

/** The span of list prices by the image or second, of all providers. */
function priceText({ providers }: Family): string {
  const all = Object.values(providers).map(({ price }) => price as Partial<ImagePrice & VideoPrice>);
  const amounts = all.flatMap((price) => Object.values(price.perImage ?? price.perSecond ?? {}) as number[]);
  const [least, most] = [Math.min(...amounts), Math.max(...amounts)];
  const assumed = all.some(({ isAssumed }) => isAssumed) ? " (not priced: assumed)" : "";
  return `${least === most ? least : `${least}-${most}`}${assumed}`;
}

const retirementText = ({ providers }: Family): string =>
  Object.entries(providers)
    .flatMap(([name, { retires }]) => (retires ? [`${name} ${retires}`] : []))
    .join(", ");
