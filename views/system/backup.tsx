// Backup tab of the System page: backup, restore, secret key rotation.
import type { AppliedRestore, BackupDifference, StagedRestore } from "../../src/domain/backup.ts";
import { Button, Card, CodeBlock, LinkButton } from "../ui/controls.tsx";
import { Toggle } from "../ui/fields.tsx";
import { Time } from "../ui/figures.tsx";
import { ActionButton, Form } from "../ui/form.tsx";
import { formatBytes } from "../ui/format.ts";
import { Hint } from "../ui/messages.tsx";
import type { View } from "../ui/view.ts";
import { BackupSchedule, type BackupScheduleData, MediaChoice } from "./backup-schedule.tsx";
import { RestoredText } from "./restored.tsx";
import { SystemHead } from "./system.tsx";

export type BackupData = {
  dataDir: string;
  /** The records are in Postgres: nothing of it is backed up or restored from here. */
  isShared: boolean;
  /** The bucket where media lie; empty: they lie in the data folder. */
  mediaUrl: string;
  /** Largest file that a form may bring. */
  uploadBytes: number;
  staged: { aside: string } | null;
  /** The last restore that was put in place. */
  applied: AppliedRestore | null;
  /** The next start replaces the secret key. */
  isRotationAsked: boolean;
  /** The secret key comes from the environment, not from a file. */
  keyInEnvironment: boolean;
  schedule: BackupScheduleData;
};

export type RestoreData = { staged: StagedRestore; differences: readonly BackupDifference[]; canRestart: boolean; dataDir: string };

/** The step before a restore: what has changed since the backup was made. */
export function RestorePage({ view, data: { staged, differences, canRestart, dataDir } }: { view: View; data: RestoreData }) {
  const { system, controls } = view.t;
  return (
    <>
      <SystemHead view={view} current="backup" />
      <Card title={system.restoreNowTitle}>
        <p>
          {system.restoreHolds}: {staged.holds.join(", ")}
          {staged.backupAt !== null && (
            <>
              {" "}
              (<Time view={view} value={staged.backupAt} />)
            </>
          )}
        </p>
        {differences.length === 0 ? (
          <p>{system.noDifferences}</p>
        ) : (
          <>
            <p>{system.differences}</p>
            <ul id="differences">
              {differences.map(({ table, lost, back }) => (
                <li key={table}>
                  {system.differenceNames[table]}: {system.difference(lost, back)}
                </li>
              ))}
            </ul>
          </>
        )}
        <p class="soft">
          {system.stagedAside}{" "}
          <code>
            {dataDir}/{staged.aside}
          </code>
        </p>
        {!canRestart && <Hint tone="warn">{system.restartByHand}</Hint>}
        <div class="foot">
          {canRestart && (
            <ActionButton view={view} action="/admin/system/restore/now" tone="danger">
              {system.restoreNow}
            </ActionButton>
          )}
          <ActionButton view={view} action="/admin/system/restore/drop">
            {system.dropStaged}
          </ActionButton>
          <LinkButton href="/admin/system/backup" tone="quiet">
            {controls.cancel}
          </LinkButton>
        </div>
      </Card>
    </>
  );
}

/** Shown while the server starts again; the page asks for the next one by itself. */
export function RestartingPage({ view }: { view: View }) {
  return (
    <>
      <SystemHead view={view} current="backup" />
      <Hint>{view.t.system.restarting}</Hint>
    </>
  );
}

/** What to back up where the records are in Postgres. */
function SharedBackup({ view, data: { dataDir, mediaUrl } }: { view: View; data: Pick<BackupData, "dataDir" | "mediaUrl"> }) {
  const { system } = view.t;
  return (
    <>
      <SystemHead view={view} current="backup" />
      <Card title={system.sharedTitle}>
        <p class="hint">{system.sharedAbout}</p>
        <CodeBlock id="dump" text={'pg_dump --format=custom --file=flow2api.dump "$FLOW2API_STORAGE_DATABASE_URL"'} />
        {mediaUrl === "" ? (
          <p class="hint-after">
            {system.sharedMedia} <code>{dataDir}/media</code>
          </p>
        ) : (
          <>
            <p class="hint-after">
              {system.sharedBucket} <code>{mediaUrl}</code>
            </p>
            <p class="hint-after">
              {system.sharedWaiting} <code>{dataDir}/media/waiting</code>
            </p>
          </>
        )}
        <p class="hint-after hint">{system.sharedPortable}</p>
        <CodeBlock id="portable" text="flow2api backup FILE --requests --media" />
        <p class="soft hint-after">{system.sharedSchedule}</p>
        <p class="soft">{system.sharedSecret}</p>
      </Card>
    </>
  );
}

export function BackupPage({ view, data }: { view: View; data: BackupData }) {
  const { system } = view.t;
  if (data.isShared) return <SharedBackup view={view} data={data} />;
  const { dataDir, uploadBytes, staged, applied, isRotationAsked, keyInEnvironment } = data;
  return (
    <>
      <SystemHead view={view} current="backup" />
      {staged && (
        <Hint tone="warn">
          <p>
            <strong>{system.staged}</strong> {system.stagedAside} <code>{staged.aside}</code>
          </p>
          <div class="foot">
            <LinkButton href="/admin/system/restore" small tone="primary">
              {system.restoreNow}
            </LinkButton>
            <ActionButton view={view} action="/admin/system/restore/drop" small>
              {system.dropStaged}
            </ActionButton>
          </div>
        </Hint>
      )}
      {applied && (
        <Hint>
          <p>
            <RestoredText view={view} applied={applied} />
          </p>
        </Hint>
      )}
      <div class="columns">
        <BackupSchedule view={view} data={data.schedule} mediaUrl={data.mediaUrl} />
        <Card title={system.backupTitle}>
          <Form view={view} action="/admin/system/backup" plain label={system.backupTitle}>
            <p class="soft hint">{system.backupAbout}</p>
            <Toggle name="requests" label={system.withRequests} on />
            <MediaChoice view={view} on={false} mediaUrl={data.mediaUrl} />
            <div class="foot">
              <Button tone="primary">{system.download}</Button>
            </div>
            <p class="soft hint-after">
              {system.backupSecret} <code>{keyInEnvironment ? "FLOW2API_SECRET_KEY" : `${dataDir}/secret.key`}</code>
            </p>
          </Form>
        </Card>
        <Card title={system.restoreTitle}>
          <Form view={view} action="/admin/system/restore" multipart label={system.restoreTitle}>
            <p class="soft hint">{system.restoreAbout}</p>
            <div class="field">
              <label for="f-backup">{system.restoreFile}</label>
              <input id="f-backup" name="backup" type="file" accept=".tar" required />
              <small>
                {system.restoreLimit(formatBytes(uploadBytes, view.locale))} <code>flow2api restore FILE</code>
              </small>
            </div>
            <div class="foot">
              <Button>{system.restore}</Button>
            </div>
          </Form>
        </Card>
        <Card title={system.rotateTitle}>
          <p class="soft hint">{system.rotateAbout}</p>
          {isRotationAsked && <Hint tone="warn">{system.rotateWaits}</Hint>}
          {keyInEnvironment ? (
            <>
              <p class="soft hint">{system.rotateByHand}</p>
              <CodeBlock id="rotate" text="FLOW2API_NEW_SECRET_KEY=… flow2api rotate-secret" />
            </>
          ) : (
            <ActionButton view={view} action="/admin/system/rotation" fields={isRotationAsked ? {} : { wanted: "on" }}>
              {isRotationAsked ? system.rotateDrop : system.rotate}
            </ActionButton>
          )}
        </Card>
      </div>
    </>
  );
}
