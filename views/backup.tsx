// Backup and restore of the data folder, and what to know of the secret key.
import { ActionButton, Button, Card, CodeBlock, Form } from "./controls.tsx";
import { Toggle } from "./fields.tsx";
import { formatBytes } from "./format.ts";
import { Hint } from "./messages.tsx";
import { SystemHead } from "./system.tsx";
import type { View } from "./view.ts";

export type BackupData = {
  dataDir: string;
  /** Largest file that a form may bring. */
  uploadBytes: number;
  staged: { aside: string } | null;
  /** The next start replaces the secret key. */
  isRotationAsked: boolean;
  /** The secret key comes from the environment, not from a file. */
  keyInEnvironment: boolean;
};

export function BackupPage({ view, data }: { view: View; data: BackupData }) {
  const { system } = view.t;
  const { dataDir, uploadBytes, staged, isRotationAsked, keyInEnvironment } = data;
  return (
    <>
      <SystemHead view={view} current="backup" />
      {staged && (
        <Hint tone="warn">
          <p>
            <strong>{system.staged}</strong> {system.stagedAside} <code>{staged.aside}</code>
          </p>
          <div class="form-foot">
            <ActionButton view={view} action="/admin/system/restore/drop" small>
              {system.dropStaged}
            </ActionButton>
          </div>
        </Hint>
      )}
      <div class="columns">
        <Card title={system.backupTitle}>
          <Form view={view} action="/admin/system/backup" label={system.backupTitle}>
            <p class="muted hint">{system.backupAbout}</p>
            <Toggle name="requests" label={system.withRequests} on />
            <Toggle name="media" label={system.withMedia} on={false} />
            <div class="form-foot">
              <Button tone="primary">{system.download}</Button>
            </div>
            <p class="muted hint-after">
              {system.backupSecret} <code>{keyInEnvironment ? "FLOW2API_SECRET_KEY" : `${dataDir}/secret.key`}</code>
            </p>
          </Form>
        </Card>
        <Card title={system.restoreTitle}>
          <Form view={view} action="/admin/system/restore" multipart label={system.restoreTitle}>
            <p class="muted hint">{system.restoreAbout}</p>
            <div class="field">
              <label for="f-backup">{system.restoreFile}</label>
              <input id="f-backup" name="backup" type="file" accept=".tar" required />
              <small>
                {system.restoreLimit(formatBytes(uploadBytes, view.locale))} <code>flow2api restore FILE</code>
              </small>
            </div>
            <div class="form-foot">
              <Button>{system.restore}</Button>
            </div>
          </Form>
        </Card>
        <Card title={system.rotateTitle}>
          <p class="muted hint">{system.rotateAbout}</p>
          {isRotationAsked && <Hint tone="warn">{system.rotateWaits}</Hint>}
          {keyInEnvironment ? (
            <>
              <p class="muted hint">{system.rotateByHand}</p>
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
