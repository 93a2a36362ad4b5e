// Forms and the way to the server: mistakes, waiting, what could not be sent, questions, copying, and whether the page is live.
const byId = (id) => document.getElementById(id);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const texts = () => byId("toasts")?.dataset ?? {};

/** A message in the corner; `action` is the button in it. */
function toast(text, action) {
  const box = document.createElement("div");
  [box.className, box.role] = ["toast bad", "alert"];
  const words = document.createElement("span");
  [words.className, words.textContent] = ["grow", text];
  box.append(words);
  for (const { label, run } of [action, { label: "×", run() {} }].filter(Boolean)) {
    const button = document.createElement("button");
    [button.type, button.textContent] = ["button", label];
    if (label === "×") [button.className, button.ariaLabel] = ["bare", texts().dismissLabel];
    button.addEventListener("click", () => { box.remove(); run(); });
    box.append(button);
  }
  byId("toasts")?.replaceChildren(box);
}

// A button that names an address of its own sends the form there, also where htmx sends it.
document.addEventListener("htmx:config:request", ({ target, detail: { ctx } }) => {
  const own = ctx.request.submitter?.getAttribute("formaction");
  if (own && target.matches("form")) ctx.request.action = own;
});

// While a form is under way its button says so; it is sent once.
const waiting = new Map();
document.addEventListener("htmx:before:request", ({ target, detail: { ctx } }) => {
  const button = ctx.request.submitter ?? target.querySelector?.("button[type=submit]");
  if (!target.matches("form[data-busy]") || !button) return;
  waiting.set(target, { button, content: [...button.childNodes] });
  button.ariaDisabled = "true";
  target.ariaBusy = "true";
  if (!button.closest(".action, .row-actions, .bulk")) button.replaceChildren(target.dataset.busy);
});
document.addEventListener("submit", (event) => { if (event.target.ariaBusy === "true") { event.preventDefault(); event.stopPropagation(); } }, true);
document.addEventListener("htmx:finally:request", ({ target, detail: { ctx } }) => {
  // A page follows: until it is there the form is under way.
  if (ctx?.keepIndicators) return;
  const { button, content } = waiting.get(target) ?? {};
  if (!button) return;
  waiting.delete(target);
  button.ariaDisabled = target.ariaBusy = null;
  button.replaceChildren(...content);
});

// A refused form comes again: passwords and files, which are not sent back, stay as they were given.
let given = [];
const placeOf = (input) => `${input.form?.getAttribute("action")} ${input.name}`;
document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  if (ctx.response?.status !== 422) return;
  given = all("form input:is([type=password], [type=file])").map((input) => [placeOf(input), input]);
});
// What a page asks the focus for, once: parts that are sent again later do not take it.
let wanted = document.querySelector("[data-focus]");
let refused = document.querySelector("[aria-invalid=true]");
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
document.addEventListener("htmx:after:swap", () => {
  for (const input of all("form input:is([type=password], [type=file])")) {
    const typed = given.find(([place, one]) => place === placeOf(input) && one !== input)?.[1];
    if (typed && !input.value) input.type === "file" ? (input.files = typed.files) : (input.value = typed.value);
  }
  given = [];
  const [former, before] = [wanted, refused];
  wanted = document.querySelector("[data-focus]");
  refused = document.querySelector("[aria-invalid=true]");
  if (refused && refused !== before) refused.focus();
  else if (wanted !== former) wanted?.focus();
  const question = byId("question");
  if (question?.childElementCount && !question.open) question.showModal();
});

// A question before harm: what closes it changes nothing.
document.addEventListener("click", (event) => {
  const keep = event.target.closest?.("[data-keep]");
  const question = keep?.closest("dialog");
  if (!question) return;
  event.preventDefault();
  question.close();
});
byId("question")?.addEventListener("close", ({ target }) => target.replaceChildren());

// The server or the network is away: nothing of the page is lost, and the same is asked again by one button.
function unreached({ target, detail: { ctx } }) {
  const { sourceElement: element, request } = ctx;
  if (element.matches("[hx-sse\\:connect], [hx-trigger^=every]")) return;
  const again = () => (request.form && element === request.form ? element.requestSubmit(request.submitter ?? undefined) : (element.click?.(), undefined));
  toast(request.method === "GET" ? texts().unread : texts().unreached, { label: texts().retry, run: again });
}
document.addEventListener("htmx:error", (event) => { if (event.detail.ctx && !event.detail.ctx.response) unreached(event); });
// A proxy in between answers for a server that is away; our own responses have an id.
document.addEventListener("htmx:before:response", (event) => {
  const { status, headers } = event.detail.ctx.response;
  if (status < 502 || headers.has("x-request-id")) return;
  event.preventDefault();
  unreached(event);
});

// Copying: the clipboard is there on https and this machine only; else the older way, else the text is selected and the keys named.
async function copy(text, from) {
  try {
    if (navigator.clipboard) return await navigator.clipboard.writeText(text), true;
  } catch {}
  const area = document.createElement("textarea");
  [area.value, area.className, area.readOnly] = [text, "unseen", true];
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done && from) getSelection().selectAllChildren(from);
  return done;
}
document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copy], [data-copy-from]");
  if (!button) return;
  const from = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
  const done = await copy(button.dataset.copy ?? (from.value ?? from.textContent).trim(), from);
  if (!done) return toast(/Mac|iPhone|iPad/.test(navigator.platform) ? texts().byHandMac : texts().byHand);
  button.dataset.label ??= button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = button.dataset.label; }, 1500);
});

// Live says what the event stream does: it listens, is connected again, or rests while the page is not looked at.
const lost = new Set();
const listening = new Set();
function showLive() {
  const state = document.hidden ? "paused" : lost.size > 0 ? "reconnecting" : "live";
  for (const badge of all("[data-live]")) {
    badge.hidden = listening.size === 0;
    badge.classList.toggle("lost", state !== "live");
    if (badge.dataset.state === state) continue;
    badge.dataset.state = state;
    badge.title = badge.firstElementChild.textContent = badge.dataset[state];
  }
}
document.addEventListener("htmx:sse:after:connection", ({ target }) => { listening.add(target); lost.delete(target); showLive(); });
document.addEventListener("htmx:sse:before:connection", ({ target, detail }) => {
  listening.add(target);
  if (detail.connection?.attempt > 0) lost.add(target);
  showLive();
});
document.addEventListener("htmx:sse:error", ({ target }) => { lost.add(target); showLive(); });
document.addEventListener("htmx:sse:close", ({ target }) => { listening.delete(target); lost.delete(target); showLive(); });
document.addEventListener("visibilitychange", showLive);
document.addEventListener("htmx:sse:after:message", ({ target }) => { listening.add(target); if (lost.delete(target)) showLive(); });
// A connection may have been made before this file was there.
for (const element of all("[hx-sse\\:connect]")) listening.add(element);
showLive();
addEventListener("online", () => { lost.clear(); showLive(); });
addEventListener("offline", () => { for (const one of listening) lost.add(one); showLive(); });
