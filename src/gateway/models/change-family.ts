// What the admin says of one model family: own prices, and whether it is on. Pure.
import { omit } from "../../domain/omit.ts";
import type { Table } from "./catalogue/fields.ts";
import type { ModelView } from "./list-models.ts";

/** Own prices by provider and size. */
export type OwnPrices = Record<string, Record<string, number>>;

/** What the admin says of a family, with these own prices by the image or second and no others. */
export function withPrices(family: Table, kind: "image" | "video", own: OwnPrices): Table {
  const unit = kind === "image" ? "per_image" : "per_second";
  const before = (family.providers ?? {}) as Record<string, Table>;
  const names = [...new Set([...Object.keys(before), ...Object.keys(own)])];
  const providers = names.map((name): [string, Table] => {
    const { price, ...rest } = before[name] ?? {};
    const stored = omit((price ?? {}) as Record<string, unknown>, [unit]);
    const next = own[name] ? { ...stored, [unit]: own[name] } : stored;
    return [name, Object.keys(next).length > 0 ? { ...rest, price: next } : rest];
  });
  const said = providers.filter(([, one]) => Object.keys(one).length > 0);
  return said.length > 0 ? { ...family, providers: Object.fromEntries(said) } : omit(family, ["providers"]);
}

/** Says yes or no to a family; one that was only found is described, so that it stays when no token lists it. */
export function switched(own: Table, { family, found }: ModelView, on: boolean): Table {
  if (!on) return { ...own, enabled: false };
  if (!found) return omit(own, ["enabled"]);
  const created = new Date(found.at).toISOString().slice(0, 10);
  return { ...own, kind: family.kind, created, enabled: true, providers: { [found.provider]: { wire: found.id } } };
}
