// Scheduled backups on the Backup tab: how often, what they hold, how the last one went, and what lies there.
import type { BackupsState } from "../../src/gateway/backups/backups.ts";
import type { StoredBackup } from "../../src/gateway/backups/target.ts";
import { Badge, Button, Card } from "../ui/controls.tsx";
import { Field, Toggle } from "../ui/fields.tsx";
import { Bytes, Countdown, Time } from "../ui/figures.tsx";
import { ActionButton, Form } from "../ui/form.tsx";
import { Hint } from "../ui/messages.tsx";
import type { View } from "../ui/view.ts";

export type BackupScheduleData = {
  state: BackupsState;
  settings: { every_hours: number; hour: number; keep: number; requests: boolean; media: boolean };
  /** Those in their place; a text: why it cannot be read. */
  stored: readonly StoredBackup[] | string;
};

const ROWS = 10;

type Props = { view: View; data: BackupScheduleData; mediaUrl: string };

export function BackupSchedule({ view, data: { state, settings, stored }, mediaUrl }: Props) {
  const { backups } = view.t;
  const { every_hours: every, hour, keep, requests, media } = settings;
  return (
    <Card title={backups.title} id="schedule">
      <LastBackup view={view} state={state} />
      <Form view={view} plain action="/admin/system/backup/schedule" label={backups.title}>
        <Field name="every_hours" label={backups.every} hint={backups.everyHint} inputMode="numeric" required value={every} />
        <Field name="hour" label={backups.hour} inputMode="numeric" required value={hour} />
        <Field name="keep" label={backups.keep} inputMode="numeric" required value={keep} />
        <Toggle name="requests" label={view.t.system.withRequests} on={requests} />
        <MediaChoice view={view} on={media} mediaUrl={mediaUrl} />
        <div class="foot">
          <Button tone="primary">{backups.save}</Button>
        </div>
      </Form>
      <p class="soft hint-after">
        {backups.place} <code>{state.place}</code>. {backups.placeHint}
      </p>
      <ActionButton view={view} action="/admin/system/backup/run" small>
        {backups.run}
      </ActionButton>
      {typeof stored === "string" ? (
        <Hint tone="warn">{stored}</Hint>
      ) : (
        stored.length > 0 && (
          <>
            <h3 class="mt">{backups.stored(stored.length)}</h3>
            <ul class="list">
              {stored.slice(0, ROWS).map(({ name, bytes, at }) => (
                <li key={name} class="row">
                  <code>{name}</code> <Bytes view={view} value={bytes} />
                  <span class="push soft">
                    <Time view={view} value={at} />
                  </span>
                </li>
              ))}
            </ul>
          </>
        )
      )}
    </Card>
  );
}

/** Whether a backup holds media; where they lie in a bucket none does that is made here. */
export function MediaChoice({ view: { t }, on, mediaUrl }: { view: View; on: boolean; mediaUrl: string }) {
  if (mediaUrl === "") return <Toggle name="media" label={t.system.withMedia} on={on} />;
  return (
    <p class="soft hint-after">
      {t.system.mediaInBucket} <code>{mediaUrl}</code>. {t.system.mediaInBucketHint}
    </p>
  );
}

function LastBackup({ view, state: { last, madeAt, nextAt, isRunning } }: { view: View; state: BackupsState }) {
  const { backups } = view.t;
  return (
    <p class="row">
      {isRunning && <Badge tone="busy">{backups.running}</Badge>}
      {last?.error ? (
        <>
          <Badge tone="bad">
            {backups.failed} <Time view={view} value={last.at} />
          </Badge>
          <span>{last.error}</span>
        </>
      ) : (
        <Badge tone={madeAt === null ? "off" : "ok"}>
          {madeAt === null ? (
            backups.none
          ) : (
            <>
              {backups.made} <Time view={view} value={madeAt} />
            </>
          )}
        </Badge>
      )}
      {nextAt !== null && (
        <span class="soft">
          {backups.next} <Countdown view={view} value={nextAt} />
        </span>
      )}
    </p>
  );
}
