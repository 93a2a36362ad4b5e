// Second step of the login: the code.
import { Button } from "../ui/controls.tsx";
import { Field } from "../ui/fields.tsx";
import { Form } from "../ui/form.tsx";
import type { View } from "../ui/view.ts";
import { Brand, type LoginProblem, waitText } from "./login.tsx";

export function CodePage({ view, problem }: { view: View; problem: LoginProblem | null }) {
  const { login } = view.t;
  return (
    <div class="narrow flow">
      <Brand view={view} />
      <Form view={view} action="/admin/login/code" class="box">
        <Field
          name="code"
          label={login.code}
          hint={login.codeHint}
          autocomplete="one-time-code"
          inputMode="text"
          maxLength={40}
          required
          error={problem ? (problem.kind === "wait" ? waitText(view, problem.ms) : login.wrongCode) : undefined}
          data-focus
        />
        <div class="foot">
          <a href="/admin/login">{login.otherAccount}</a>
          <Button tone="primary">{login.submit}</Button>
        </div>
      </Form>
      <p class="soft">
        {login.noCode} <code>flow2api admin password</code>
      </p>
    </div>
  );
}
