// Login page.
import { Button, Form } from "../ui/controls.tsx";
import { Field } from "../ui/fields.tsx";
import { formatDuration } from "../ui/format.ts";
import { Hint } from "../ui/messages.tsx";
import type { View } from "../ui/view.ts";

export type LoginProblem = { kind: "wrong" } | { kind: "wait"; ms: number };

export function LoginPage({ view, next, isFirst, problem }: { view: View; next: string; isFirst: boolean; problem: LoginProblem | null }) {
  const { login } = view.t;
  return (
    <div class="narrow flow">
      <h1>
        <img src={view.assets["icon.svg"]} alt="" width="26" height="26" />
        {view.t.shell.product}
      </h1>
      {isFirst && <Hint>{login.firstTime}</Hint>}
      <Form view={view} action="/admin/login" class="box">
        <input type="hidden" name="next" value={next} />
        <Field
          name="password"
          label={login.password}
          type="password"
          autocomplete="current-password"
          required
          error={problem ? say(view, problem) : undefined}
          data-focus
        />
        <div class="foot">
          <Button tone="primary">{login.submit}</Button>
        </div>
      </Form>
      <p class="soft">
        {login.forgotten} <code>flow2api admin password</code>
      </p>
    </div>
  );
}

const say = ({ t }: View, problem: LoginProblem) =>
  problem.kind === "wrong" ? t.login.wrong : t.login.wait(formatDuration(Math.max(1000, Math.ceil(problem.ms / 1000) * 1000)));
