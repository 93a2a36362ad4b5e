// Own prices as the form of a model's page has them.
import { MAX_USD } from "../../gateway/models/catalogue/schema.ts";
import type { OwnPrices } from "../../gateway/models/change-family.ts";
import type { ModelView } from "../../gateway/models/list-models.ts";
import type { FormReader } from "../forms.ts";

/** The fields that are filled in; a price that is the list's own is none of one's own. */
export function pricesOf(form: FormReader, { providers }: ModelView): OwnPrices {
  const own: OwnPrices = {};
  for (const { provider, prices } of providers) {
    for (const { size, listUsd } of prices) {
      const usd = form.decimal(`price.${provider}.${size}`, { max: MAX_USD });
      if (usd !== null && usd !== listUsd) own[provider] = { ...own[provider], [size]: usd };
    }
  }
  return own;
}
