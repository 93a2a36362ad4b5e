// Serving order for the page of a model: a plain request at the prices of the catalogue.

import type { ModelView } from "../../gateway/models/list-models.ts";
import { estimateImageUsd, estimateVideoUsd } from "../../gateway/models/prices.ts";
import { type ServingOrder, servingOrder } from "../../gateway/models/serving-order.ts";
import type { AdminContext } from "../context.ts";

export function orderOf(ctx: AdminContext, { family: { id, kind }, providers }: ModelView): ServingOrder {
  const catalogue = ctx.models.current();
  return servingOrder(
    {
      pool: ctx.pool,
      providers: providers.map(({ provider }) => provider),
      costOf: (provider) =>
        kind === "image"
          ? estimateImageUsd(catalogue.imageCosts(id, provider), undefined)
          : estimateVideoUsd(catalogue.videoCosts(id, provider), { seconds: 1 }),
      prefersCheaper: ctx.settings.current().pool.prefer_cheaper,
    },
    kind,
    id,
  );
}
