// Behaviours that forms and links do not have: theme, keys, copying, toasts, times. Found by data- attributes; no page needs them.
const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

// Times: the words of views/ui/format.ts, in the reader's own time zone, which a cookie tells the server; UTC on hover.
const units = Object.entries({ year: 31536000, month: 2592000, day: 86400, hour: 3600, minute: 60, second: 1 });
const relative = new Intl.RelativeTimeFormat(root.lang, { numeric: "auto", style: "narrow" });
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.split("; ").includes(`tz=${zone}`)) document.cookie = `tz=${zone}; path=/admin; max-age=31536000; samesite=lax`;
const clockOf = (options) => new Intl.DateTimeFormat(root.lang, options);
const [hours, date] = [{ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, { month: "short", day: "numeric" }];
const clocks = { today: clockOf({ ...hours, second: "2-digit" }), near: clockOf({ ...date, ...hours }), far: clockOf({ ...date, year: "numeric" }) };
const clock = (time) => clocks[time.toDateString() === new Date().toDateString() ? "today" : Math.abs(time - Date.now()) < 300 * 86400000 ? "near" : "far"].format(time);
const two = (value) => String(value).padStart(2, "0");
/** Counts up, and moves the bar beside it. */
function showElapsed(element, time) {
  const seconds = Math.max(0, Math.floor((Date.now() - time) / 1000));
  const minutes = `${Math.floor((seconds % 3600) / 60)}`;
  element.textContent = seconds >= 3600 ? `${Math.floor(seconds / 3600)}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
  const bar = element.closest(".work")?.querySelector("[data-most]");
  if (!bar) return;
  const share = (Date.now() - time) / bar.dataset.most;
  bar.firstElementChild.setAttribute("width", Math.round(Math.min(1, share) * 100));
  bar.classList.toggle("warn", share > 1 && !bar.closest(".q"));
}
const minute = clockOf(hours);
function showTime(element) {
  const time = new Date(element.dateTime);
  if (element.dataset.time === "elapsed") return showElapsed(element, time);
  if (element.dataset.time === "minute") { element.textContent = minute.format(time); return; }
  const seconds = Math.round((time - Date.now()) / 1000);
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  const isCounted = element.dataset.time === "countdown" && seconds >= 0 && seconds < 86400;
  const counted = () => new Date(seconds * 1000).toISOString().slice(seconds < 3600 ? 14 : 11, 19);
  const ago = () => relative.format(Math.trunc(seconds / size), unit);
  const kind = element.dataset.time;
  element.textContent = isCounted ? counted() : kind === "clock" ? clock(time) : kind === "both" ? `${clock(time)} · ${ago()}` : ago();
  element.title = `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
const showTimes = (kind = "") => all(`time[data-time${kind}]`).forEach(showTime);
setInterval(() => ['="countdown"', '="elapsed"'].forEach(showTimes), 1000);
setInterval(showTimes, 30000);

// Theme: at once, without a page load; the cookie tells the server.
document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest?.(selector);
  const theme = at("[data-theme-choice]");
  if (theme) {
    event.preventDefault();
    root.dataset.theme = theme.value;
    document.cookie = `theme=${theme.value}; path=/admin; max-age=31536000; samesite=lax`;
    all("[data-theme-choice]").forEach((one) => one.setAttribute("aria-pressed", String(one === theme)));
    closeMenus(null);
  }
  // On a wide screen a token opens beside its list; a new tab, or the link in it, has its page.
  const inspected = at("[data-inspect]");
  if (inspected && matchMedia("(min-width:1600px)").matches && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    htmx.ajax("GET", inspected.dataset.inspect, "#inspect");
    all(".cur").forEach((row) => row.classList.remove("cur"));
    inspected.closest("tr").classList.add("cur");
  }
  at("[data-dismiss]")?.closest(".toast, .note").remove();
});

// Selection: the count beside the bulk actions, and one box for all.
document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-select-all]")) all("[data-select]").forEach((box) => { box.checked = target.checked; });
  if (target.matches("[data-select], [data-select-all]"))
    all("[data-selected]").forEach((one) => { one.textContent = all("[data-select]:checked").length; });
  if (target.matches("[data-submit]")) target.form.requestSubmit();
});

// Keys: g and a letter, /, j k, x, ?
let afterG = false;
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "k") {
    event.preventDefault();
    return document.querySelector("[data-search-all]")?.focus();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select, [contenteditable]")) return;
  const hour = document.activeElement.closest?.("[data-chart] a");
  if (hour && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
    const next = event.key === "ArrowLeft" ? hour.previousElementSibling : hour.nextElementSibling;
    if (next?.matches("a")) { hour.tabIndex = -1; next.tabIndex = 0; next.focus(); }
    return event.preventDefault();
  }
  const rows = all("[data-row]");
  const row = document.activeElement.closest?.("[data-row]");
  const go = (step) => rows[Math.max(0, Math.min(rows.length - 1, rows.indexOf(row) + step))]?.focus();
  const link = afterG && document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
  afterG = event.key === "g" && !afterG;
  if (link) link.click();
  else if (event.key === "/") { event.preventDefault(); document.querySelector("[data-search]")?.focus(); }
  else if (event.key === "j" || event.key === "k") go(event.key === "j" ? 1 : -1);
  else if (event.key === "x") row?.querySelector("[data-select]")?.click();
  else if (event.key === "Enter" && document.activeElement === row) row?.querySelector("a")?.click();
  else if (event.key === "?") byId("shortcuts")?.showModal();
});

// Toasts that say no error leave by themselves; what htmx brings is looked at like the page.
const ready = () => {
  showTimes();
  all("[data-most]").forEach((list) => { while (list.children.length > list.dataset.most) list.lastElementChild.remove(); });
  all(".toast[data-timeout]:not([data-seen])").forEach((toast) => {
    toast.dataset.seen = "";
    setTimeout(() => toast.matches(":hover, :focus-within") || toast.remove(), Number(toast.dataset.timeout));
  });
};
document.addEventListener("htmx:after:swap", ready);
ready();
// One menu at a time: a click beside it, and Escape, close it.
const closeMenus = (but) => all(".menu[open]").forEach((menu) => menu.contains(but) || menu.removeAttribute("open"));
document.addEventListener("click", ({ target }) => closeMenus(target));
document.addEventListener("keydown", ({ key }) => key === "Escape" && closeMenus(null));
document.querySelector("[data-focus]")?.focus();
