// Own prices of a family: one field a size or resolution.

import type { ModelView } from "../../src/gateway/models/list-models.ts";
import { Badge, Button, Card } from "../ui/controls.tsx";
import { Field } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { formatPrice } from "../ui/format.ts";
import type { View } from "../ui/view.ts";

/** One field a size; empty means the list price. */
export function ModelPrices({ view, model: { family, providers }, action }: { view: View; model: ModelView; action: string }) {
  const { models: t } = view.t;
  const unit = family.kind === "image" ? t.perImage : t.perSecond;
  return (
    <Card title={t.prices}>
      <Form view={view} action={action} label={t.prices}>
        <p class="soft">{t.pricesAbout}</p>
        {providers.map(({ provider, prices, byTokens, isAssumed }) => (
          <fieldset key={provider} class="prices">
            <legend>
              {provider} <span class="soft">{unit}</span> {byTokens && <Badge tone="off">{t.byTokens}</Badge>}
              {isAssumed && (
                <Badge tone="bad" title={t.assumedHint}>
                  {t.assumed}
                </Badge>
              )}
            </legend>
            {prices.map(({ size, listUsd, ownUsd }) => {
              return (
                <Field
                  key={size}
                  name={`price.${provider}.${size}`}
                  label={size}
                  type="number"
                  min={0}
                  max={1000}
                  step="any"
                  value={ownUsd ?? ""}
                  placeholder={t.listPrice(formatPrice(listUsd, view.locale))}
                />
              );
            })}
          </fieldset>
        ))}
        <div class="foot">
          <Button tone="primary">{t.savePrices}</Button>
        </div>
      </Form>
    </Card>
  );
}
