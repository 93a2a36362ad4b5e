// Gallery item page: one media item, the prompt and request it came from, and its actions.

import type { Media } from "../../src/domain/generation.ts";
import type { AttemptRow } from "../../src/domain/request.ts";
import type { GalleryItem } from "../../src/gateway/media/gallery.ts";
import { Badge, Card, LinkButton } from "../ui/controls.tsx";
import { Bytes, Duration, Money, Time } from "../ui/figures.tsx";
import { ActionButton } from "../ui/form.tsx";
import { PageHead } from "../ui/layout.tsx";
import { downloadHref, mediaHref, Thumb, WholeMedia } from "../ui/media.tsx";
import { Cell, Row, Table } from "../ui/table.tsx";
import type { View } from "../ui/view.ts";

export type GalleryItemData = GalleryItem & {
  /** Name of the key that it belongs to; null: the key is not known. */
  keyName: string | null;
  /** Labels of tokens by id. */
  tokens: Pick<ReadonlyMap<number, string>, "get">;
  /** Its parameters in words, e.g. `16:9`. */
  parameters: readonly string[];
  /** Other results of the same request. */
  siblings: readonly Media[];
};

type Props = { view: View; data: GalleryItemData };

/** That of its job, else the one that was recorded with the request. */
export const promptOf = ({ job, request }: Pick<GalleryItemData, "job" | "request">): string | undefined =>
  job?.prompt || request?.payload?.prompt || undefined;

export function GalleryItemPage({ view, data }: Props) {
  const { gallery } = view.t;
  const { media, job } = data;
  const prompt = promptOf(data);
  const reuse = job ? `job=${encodeURIComponent(job.id)}` : `like=${encodeURIComponent(media.id)}`;
  const label = gallery.describe(gallery.one[media.kind], media.family ?? "");
  return (
    <>
      <PageHead
        up={{ href: "/admin/gallery", label: gallery.title }}
        title={gallery.one[media.kind]}
        about={media.family ?? undefined}
        actions={
          <>
            <LinkButton href={`/admin/playground?use=${encodeURIComponent(media.id)}`} icon="playground">
              {gallery.useAsReference}
            </LinkButton>
            {prompt && (
              <LinkButton href={`/admin/playground?${reuse}`} icon="redo">
                {gallery.reuse}
              </LinkButton>
            )}
            <LinkButton href={downloadHref(media.id)} icon="download">
              {gallery.download}
            </LinkButton>
            <ActionButton view={view} action="/admin/gallery/delete" fields={{ id: media.id }} tone="danger" icon="trash">
              {gallery.remove}
            </ActionButton>
          </>
        }
      />
      <div class="beside">
        <WholeMedia view={view} media={media} label={label} />
        <div class="flow">
          <Card title={gallery.prompt}>{prompt ? <p class="prompt">{prompt}</p> : <p class="soft">{gallery.noPrompt}</p>}</Card>
          <Card title={gallery.details}>
            <Facts view={view} data={data} />
          </Card>
          {data.siblings.length > 0 && (
            <Card title={gallery.siblings}>
              <div class="strip">
                {data.siblings.map((one) => (
                  <a key={one.id} href={mediaHref(one.id)}>
                    <Thumb media={one} label={gallery.one[one.kind]} />
                  </a>
                ))}
              </div>
            </Card>
          )}
        </div>
      </div>
      <Card title={gallery.attempts}>
        <Attempts view={view} attempts={data.request?.attempts ?? []} tokens={data.tokens} />
      </Card>
    </>
  );
}

/** Everything stored about it. */
export function Facts({ view, data: { media, job, request, keyName, tokens, parameters } }: Props) {
  const { gallery } = view.t;
  const pixels = media.width && media.height ? `${media.width} × ${media.height} · ` : "";
  return (
    <dl class="facts">
      <dt>{gallery.made}</dt>
      <dd>
        <Time view={view} value={media.createdAt} />
      </dd>
      {media.expiresAt !== null && (
        <>
          <dt>{gallery.expires}</dt>
          <dd>
            <Time view={view} value={media.expiresAt} ago />
          </dd>
        </>
      )}
      <dt>{gallery.size}</dt>
      <dd>
        {pixels}
        <Bytes view={view} value={media.bytes} />
      </dd>
      <dt>{gallery.type}</dt>
      <dd>{media.mime}</dd>
      <dt>{gallery.key}</dt>
      <dd>{keyName ?? (media.keyId === null ? gallery.operator : gallery.unknownKey(media.keyId))}</dd>
      {(request ?? job) && (
        <>
          <dt>{gallery.model}</dt>
          <dd>{(request ?? job)!.model}</dd>
        </>
      )}
      {parameters.length > 0 && (
        <>
          <dt>{gallery.parameters}</dt>
          <dd>{parameters.join(" · ")}</dd>
        </>
      )}
      {request && (
        <>
          <dt>{gallery.cost}</dt>
          <dd>
            <Money view={view} value={request.usd} />
            {request.mediaIds.length > 1 && <span class="soft"> {gallery.costOfAll(request.mediaIds.length)}</span>}
          </dd>
          <dt>{gallery.took}</dt>
          <dd>
            <Duration value={request.ms} />
          </dd>
        </>
      )}
      <OriginFacts view={view} media={media} job={job} attempt={request?.attempts.at(-1)} tokens={tokens} />
    </dl>
  );
}

/** Token, job and request that made the media item. */
function OriginFacts({ view, media, job, attempt, tokens }: Pick<Props["data"], "media" | "job" | "tokens"> & OriginProps) {
  const { gallery } = view.t;
  return (
    <>
      {attempt && (
        <>
          <dt>{gallery.token}</dt>
          <dd>
            <a href={`/admin/tokens/${attempt.tokenId}`}>{tokens.get(attempt.tokenId) ?? gallery.unknownToken(attempt.tokenId)}</a>
          </dd>
        </>
      )}
      {job && (
        <>
          <dt>{gallery.job}</dt>
          <dd>
            <a class="mono" href={`/admin/jobs/${encodeURIComponent(job.id)}`}>
              {job.id}
            </a>
          </dd>
        </>
      )}
      {media.requestId && (
        <>
          <dt>{gallery.request}</dt>
          <dd>
            <a class="mono" href={`/admin/requests/${encodeURIComponent(media.requestId)}`}>
              {media.requestId}
            </a>
          </dd>
        </>
      )}
    </>
  );
}

type OriginProps = { view: View; attempt: NonNullable<Props["data"]["request"]>["attempts"][number] | undefined };

/** The upstream calls of a request, in order. */
export function Attempts({
  view,
  attempts,
  tokens,
}: {
  view: View;
  attempts: readonly AttemptRow[];
  tokens: Pick<ReadonlyMap<number, string>, "get">;
}) {
  const { gallery } = view.t;
  if (attempts.length === 0) return <p class="soft">{gallery.noAttempts}</p>;
  return (
    <Table
      view={view}
      label={gallery.attempts}
      columns={[
        { key: "token", label: gallery.token },
        { key: "outcome", label: gallery.outcome },
        { key: "status", label: gallery.status, align: "end" },
        { key: "started", label: gallery.started },
        { key: "took", label: gallery.took, align: "end" },
      ]}
    >
      {attempts.map((attempt, index) => (
        <Row key={attempt.startedAt} view={view} id={`attempt-${index}`}>
          <Cell label={gallery.token}>
            <a href={`/admin/tokens/${attempt.tokenId}`}>{tokens.get(attempt.tokenId) ?? gallery.unknownToken(attempt.tokenId)}</a>{" "}
            <span class="soft">{attempt.provider}</span>
          </Cell>
          <Cell label={gallery.outcome}>
            <Badge tone={attempt.outcome === "ok" ? "ok" : "bad"}>
              {attempt.outcome === "ok" ? view.t.controls.outcome.ok : attempt.outcome}
            </Badge>{" "}
            <span class="soft">{attempt.reason}</span>
          </Cell>
          <Cell label={gallery.status} align="end">
            {attempt.upstreamStatus ?? "–"}
          </Cell>
          <Cell label={gallery.started}>
            <Time view={view} value={attempt.startedAt} />
          </Cell>
          <Cell label={gallery.took} align="end">
            <Duration value={attempt.ms} />
          </Cell>
        </Row>
      ))}
    </Table>
  );
}
