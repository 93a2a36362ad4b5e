// Two-step sign-in of the own account: QR code and first code, recovery codes, turning it off.
import { Button, Card, CodeBlock, CopyButton, LinkButton } from "../ui/controls.tsx";
import { Field } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import { PageHead } from "../ui/layout.tsx";
import { Hint } from "../ui/messages.tsx";
import type { View } from "../ui/view.ts";

/** A fresh secret in base32, and the modules of its QR code, row by row, true where dark. */
export type TwoStepSetup = { secret: string; modules: readonly (readonly boolean[])[]; size: number };

type TwoStepProps = {
  view: View;
  /** Null: it is on. */
  setup: TwoStepSetup | null;
  wrong: Readonly<Record<string, string>>;
  /** Recovery codes that are left. */
  left: number;
};

export function TwoStepPage({ view, setup, wrong, left }: TwoStepProps) {
  const { account } = view.t;
  const { twoStep } = account;
  return (
    <>
      <PageHead
        title={twoStep.title}
        about={setup ? twoStep.about : twoStep.left(left)}
        up={{ href: "/admin/account", label: account.title }}
      />
      {setup ? <SetupCard view={view} setup={setup} /> : <ManageCards view={view} wrong={wrong} />}
    </>
  );
}

function SetupCard({ view, setup }: { view: View; setup: TwoStepSetup }) {
  const { account } = view.t;
  const { twoStep } = account;
  return (
    <Card>
      <p>{twoStep.scan}</p>
      <QrCode {...setup} label={twoStep.qr} />
      <p>
        {twoStep.key}: <code id="totp-key">{setup.secret.match(/.{4}/g)?.join(" ")}</code> <CopyButton view={view} text={setup.secret} />
      </p>
      <Form view={view} action="/admin/account/two-step" class="medium-form">
        <input type="hidden" name="secret" value={setup.secret} />
        <Field name="current" label={account.current} type="password" autocomplete="current-password" required />
        <Field name="code" label={twoStep.code} autocomplete="one-time-code" inputMode="numeric" maxLength={10} required />
        <div class="foot">
          <Button tone="primary">{twoStep.enable}</Button>
        </div>
      </Form>
    </Card>
  );
}

/** Dark on white in every theme: cameras read nothing else well. */
function QrCode({ modules, size, label }: Pick<TwoStepSetup, "modules" | "size"> & { label: string }) {
  const path = modules.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return (
    <svg
      class="qr"
      viewBox={`-4 -4 ${size + 8} ${size + 8}`}
      width="220"
      height="220"
      role="img"
      aria-label={label}
      shape-rendering="crispEdges"
    >
      <rect x="-4" y="-4" width={size + 8} height={size + 8} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

function ManageCards({ view, wrong }: { view: View; wrong: TwoStepProps["wrong"] }) {
  const { account } = view.t;
  const { twoStep } = account;
  const acts = [
    { name: "codes", title: twoStep.renewTitle, about: twoStep.renewAbout, say: twoStep.renew, tone: "plain" },
    { name: "off", title: twoStep.offTitle, about: twoStep.offAbout, say: twoStep.turnOff, tone: "danger" },
  ] as const;
  return (
    <>
      {wrong.current && (
        <div role="alert">
          <Hint>{wrong.current}</Hint>
        </div>
      )}
      {acts.map(({ name, title, about, say, tone }) => (
        <Card key={name} title={title}>
          <p class="soft">{about}</p>
          <Form view={view} action={`/admin/account/two-step/${name}`} class="medium-form" label={title}>
            <label class="field">
              <span>{account.current}</span>
              <input name="current" type="password" autocomplete="current-password" required />
            </label>
            <div class="foot">
              <Button tone={tone}>{say}</Button>
            </div>
          </Form>
        </Card>
      ))}
    </>
  );
}

/** Shown once. */
export function RecoveryCodesPage({ view, codes }: { view: View; codes: readonly string[] }) {
  const { account } = view.t;
  const { twoStep } = account;
  return (
    <>
      <PageHead title={twoStep.codesTitle} about={twoStep.codesAbout} up={{ href: "/admin/account", label: account.title }} />
      <Card actions={<CopyButton view={view} from="#recovery-codes" />}>
        <CodeBlock id="recovery-codes" text={codes.join("\n")} />
        <div class="foot">
          <LinkButton href="/admin/account" tone="primary">
            {twoStep.done}
          </LinkButton>
        </div>
      </Card>
    </>
  );
}
