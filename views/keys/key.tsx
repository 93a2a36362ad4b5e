// Key page: usage against limits, permissions, webhook.

import type { FormerKey } from "../../src/domain/key.ts";
import type { FailureSum } from "../../src/domain/request.ts";
import type { UsageByKind, UsageRange } from "../../src/gateway/reports/usage.ts";
import { FailedToday } from "../requests/failed-today.tsx";
import { Button, Card, CodeBlock, CopyButton, LinkButton } from "../ui/controls.tsx";
import { Field } from "../ui/fields.tsx";
import { Count, Countdown, Time } from "../ui/figures.tsx";
import { ActionButton, Form } from "../ui/form.tsx";
import { PageHead } from "../ui/layout.tsx";
import { Hint } from "../ui/messages.tsx";
import { PlotScripts } from "../ui/plot.tsx";
import type { View } from "../ui/view.ts";
import { UsagePlots } from "../usage/usage.tsx";
import { amountText, EnabledButton, KeyStateBadge, keyHref, LimitBar, type ShownKey } from "./keys.tsx";

export type KeyData = {
  shown: ShownKey;
  /** Former secrets that are still valid. */
  former: readonly FormerKey[];
  /** By day. */
  along: UsageByKind;
  range: UsageRange;
  /** Since 00:00 UTC. */
  failures: readonly FailureSum[];
  webhook: { url: string | null; hasSecret: boolean; isOn: boolean };
  /** What holds where the key says nothing. */
  settings: { imageForm: string; videoForm: string; sideCalls: "answer" | "generate" };
};

const MEBIBYTE = 1024 * 1024;

const listOf = (view: View) => ({ href: "/admin/keys", label: view.t.keys.title });

export function KeyPage({ view, data }: { view: View; data: KeyData }) {
  const { keys } = view.t;
  const { shown, along, range } = data;
  const { row, state, isOperator } = shown;
  const actions =
    state === "deleted" ? (
      <ActionButton view={view} action={keyHref(row.id, "/restore")} tone="primary">
        {keys.restore}
      </ActionButton>
    ) : (
      <>
        <LinkButton href={keyHref(row.id, "/edit")}>{keys.edit}</LinkButton>
        <LinkButton href={keyHref(row.id, "/rotate")}>{keys.rotate}</LinkButton>
        <LinkButton href={`/admin/keys/new?from=${row.id}`}>{keys.duplicate}</LinkButton>
        {data.former.length > 0 && (
          <ActionButton view={view} action={keyHref(row.id, "/rotate/end")}>
            {keys.formerEnd}
          </ActionButton>
        )}
        <EnabledButton view={view} row={row} />
        <ActionButton view={view} action={keyHref(row.id, "/delete")} tone="danger">
          {keys.remove}
        </ActionButton>
      </>
    );
  return (
    <>
      <PageHead
        up={listOf(view)}
        title={
          <>
            {row.name} <KeyStateBadge view={view} state={state} />
          </>
        }
        about={isOperator ? keys.operator : undefined}
        actions={actions}
      />
      <div class="flow">
        <div class="columns">
          <Use view={view} shown={shown} />
          <Permissions view={view} data={data} />
        </div>
        <FailedToday view={view} failures={data.failures} of={{ key: row.id }} />
        <section class="flow">
          <div class="row">
            <h2 class="grow">{keys.history}</h2>
            <LinkButton href={`/admin/usage?key=${row.id}`} small>
              {keys.toUsage}
            </LinkButton>
            <LinkButton href={`/admin/requests?key=${row.id}`} small>
              {keys.toRequests}
            </LinkButton>
          </div>
          <UsagePlots view={view} along={along} range={range} only={{ key: shown.row.id }} />
        </section>
        {state !== "deleted" && !isOperator && <WebhookCard view={view} id={row.id} webhook={data.webhook} />}
      </div>
      <PlotScripts view={view} />
    </>
  );
}

function Use({ view, shown: { row, usage } }: { view: View; shown: ShownKey }) {
  const { keys } = view.t;
  const { limits } = row;
  return (
    <Card title={keys.usage}>
      <p class="soft">{keys.usageAbout}</p>
      <dl class="facts uses">
        <dt>{keys.running}</dt>
        <dd class="nw">{ofLimit(view, usage.inFlight, limits.concurrency)}</dd>
        <dt>{keys.minute}</dt>
        <dd class="nw">{ofLimit(view, usage.requestsLastMinute, limits.rpm)}</dd>
        <dt>{keys.uploadsToday}</dt>
        <dd class="nw">{ofLimit(view, Math.ceil(usage.uploadBytes / MEBIBYTE), limits.uploadMbDay)}</dd>
      </dl>
      {(["day", "month", "total"] as const).map((period) => (
        <section key={period} class="uses">
          <h3>
            {keys.periods[period]}{" "}
            {usage[period].resetsAt !== null && (
              <small class="soft">
                {keys.resets} <Countdown view={view} value={usage[period].resetsAt} />
              </small>
            )}
          </h3>
          <dl class="facts">
            {(["images", "videoSeconds", "usd"] as const).map((unit) => {
              const limit = limits[unit][period];
              return [
                <dt key={unit}>{keys.units[unit]}</dt>,
                <dd key={`${unit} used`}>
                  {limit === null ? (
                    <span class="nw">{amountText(view, unit, usage[period][unit])}</span>
                  ) : (
                    <LimitBar view={view} use={{ unit, period, used: usage[period][unit], limit }} isNamed={false} />
                  )}
                </dd>,
              ];
            })}
          </dl>
        </section>
      ))}
    </Card>
  );
}

const ofLimit = (view: View, used: number, limit: number | null) =>
  limit === null ? <Count view={view} value={used} /> : view.t.keys.ofLimit(`${used}`, `${limit}`);

function Permissions({ view, data: { shown, former, settings } }: { view: View; data: KeyData }) {
  const { keys } = view.t;
  const { row } = shown;
  const imageForm = (name: string) => keys.imageForms[name] ?? name;
  const videoForm = (name: string) => keys.videoForms[name] ?? name;
  return (
    <Card title={keys.facts}>
      <dl class="facts">
        <dt>{keys.prefix}</dt>
        <dd class="mono">{row.prefix}</dd>
        {former.map(({ prefix, until }) => [
          <dt key={prefix}>{keys.former}</dt>,
          <dd key={`${prefix} until`}>
            <span class="mono">{prefix}…</span> {keys.formerUntil} <Time view={view} value={until} />
          </dd>,
        ])}
        <dt>{keys.made}</dt>
        <dd>
          <Time view={view} value={row.createdAt} />
        </dd>
        <dt>{keys.columns.expires}</dt>
        <dd>{row.expiresAt === null ? keys.never : <Time view={view} value={row.expiresAt} ago />}</dd>
        <dt>{keys.columns.models}</dt>
        <dd>{row.models.length === 0 ? keys.all : row.models.map((model) => <code key={model}>{model} </code>)}</dd>
        <dt>{keys.kinds}</dt>
        <dd>{keys.kindChoices[row.kinds.length === 1 ? row.kinds[0]! : "all"]}</dd>
        <dt>{keys.addresses}</dt>
        <dd>{row.addresses.length === 0 ? keys.anyAddress : row.addresses.join(", ")}</dd>
        <dt>{keys.imageForm}</dt>
        <dd>{row.imageForm ? imageForm(row.imageForm) : keys.asSettings(imageForm(settings.imageForm))}</dd>
        <dt>{keys.videoForm}</dt>
        <dd>{row.videoForm ? videoForm(row.videoForm) : keys.asSettings(videoForm(settings.videoForm))}</dd>
        <dt>{keys.sideCalls}</dt>
        <dd>{row.sideCalls === null ? keys.asSettings(keys.sideCallModes[settings.sideCalls]) : keys.sideCallModes[row.sideCalls]}</dd>
        <dt>{keys.imagesRoutesOnly}</dt>
        <dd>{row.imagesRoutesOnly ? keys.yes : keys.no}</dd>
      </dl>
    </Card>
  );
}

function WebhookCard({ view, id, webhook }: { view: View; id: number; webhook: KeyData["webhook"] }) {
  const { keys } = view.t;
  return (
    <Card title={keys.webhook} id="webhook">
      <p class="soft">{keys.webhookAbout}</p>
      {!webhook.isOn && <Hint tone="warn">{keys.webhookOff}</Hint>}
      <Form view={view} action={keyHref(id, "/webhook")} class="medium-form flow">
        <Field name="webhook_url" label={keys.webhookUrl} hint={keys.webhookHint} type="url" value={webhook.url ?? ""} maxLength={2000} />
        <div class="row">
          <Button>{keys.webhookSave}</Button>
        </div>
      </Form>
      <div class="row webhook-secret">
        <span class="soft">{webhook.hasSecret ? keys.webhookHasSecret : keys.webhookNoSecret}</span>
        <Form view={view} action={keyHref(id, "/webhook/secret")} class="action">
          <Button small>{keys.webhookSecret}</Button>
        </Form>
      </div>
    </Card>
  );
}

/** After a signing secret was made: the only time that it is seen. */
export function WebhookSecretPage({ view, shown, secret }: { view: View; shown: ShownKey; secret: string }) {
  const { keys } = view.t;
  return (
    <div class="medium flow">
      <PageHead up={listOf(view)} title={shown.row.name} />
      <Hint tone="ok">{keys.webhookShown}</Hint>
      <Card title={keys.webhook} actions={<CopyButton view={view} from="#webhook-secret" />}>
        <CodeBlock id="webhook-secret" text={secret} />
      </Card>
      <LinkButton href={keyHref(shown.row.id)} tone="primary">
        {keys.toKey}
      </LinkButton>
    </div>
  );
}
