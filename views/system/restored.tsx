// Notice after a restore: age of the backup, and the folder of the data that it replaced.
import type { AppliedRestore } from "../../src/domain/backup.ts";
import { LinkButton } from "../ui/controls.tsx";
import { Time } from "../ui/figures.tsx";
import { ActionButton } from "../ui/form.tsx";
import type { View } from "../ui/view.ts";

export function RestoredText({ view, applied }: { view: View; applied: AppliedRestore }) {
  const { system } = view.t;
  const { backupAt, restoredAt, holds, aside, movedMedia } = applied;
  return (
    <span>
      {system.restored} <Time view={view} value={restoredAt} />: {holds.join(", ")}
      {backupAt !== null && (
        <>
          {" "}
          ({system.restoredFrom} <Time view={view} value={backupAt} />)
        </>
      )}
      . {system.restoredAside} <code>{aside}</code>
      {movedMedia !== null && movedMedia > 0 && <> {system.restoredMedia(movedMedia)}</>}
    </span>
  );
}

/** What the operator may do about it: view it, and dismiss the line. */
export function RestoredWays({ view }: { view: View }) {
  const { ways } = view.t.overview;
  return (
    <>
      <LinkButton href="/admin/system/backup" small>
        {ways.showRestore}
      </LinkButton>
      <ActionButton view={view} action="/admin/system/restore/seen" small>
        {ways.seen}
      </ActionButton>
    </>
  );
}
