// The page of a refused form: taken with status 422; any other response is given up, stream and all.
import { expect, test } from "bun:test";
import { FormError } from "./forms.ts";
import { pageOfMistakes } from "./mistakes.ts";

function asked(status: number) {
  let isCancelled = false;
  const stream = new ReadableStream({
    cancel() {
      isCancelled = true;
    },
  });
  const response = pageOfMistakes(
    {
      ctx: { forms: { fields: async () => new URLSearchParams({ form_page: "/admin/tokens/new" }) } as never },
      guard: { admitsToo: async () => true },
      handle: async () => new Response(stream, { status }),
    },
    new Request("http://localhost/admin/tokens", { method: "POST" }),
    new FormError("", { secret: "is missing" }),
  );
  return { response, isCancelled: () => isCancelled };
}

test("with its mistakes it is the response", async () => {
  const { response, isCancelled } = asked(422);
  expect([(await response)?.status, isCancelled()]).toEqual([422, false]);
});

test("a page without a form is given up", async () => {
  const { response, isCancelled } = asked(200);
  expect([await response, isCancelled()]).toEqual([null, true]);
});
