// The live desk: what customers will read, side by side, renewed at each save without losing the place one reads at.

import { clockWords, commandFor, inLanguage, isTouched, pathIn, pathsOf, placeOf, promiseOf, spanWords } from "./words.js";

const WIDTHS = { phone: 390, desktop: 1366 };
const PHONE_HEIGHT = 780;
const KEPT = "meaculpa-desk";
const PATIENCE = 3e3;
const FOCUSABLE = "a[href],button,input,select,summary,[tabindex]";

// ---- The page

const byId = (id) => document.getElementById(id);
const key = location.hash.slice(1);
const panes = [...document.querySelectorAll(".pane[data-address]")];
let state = { build: "", shift: 0, locales: [], incidents: [], owed: [], problems: [], plans: [] };
let settings = { device: "phone", colours: "", language: "", large: "" };
let letter = { plan: "", number: 0 };

function now() {
  return Date.now() + 1e3 * state.shift;
}

function element(name, text, attributes = {}, children = []) {
  const made = Object.assign(document.createElement(name), { textContent: text });
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function fill(list, items, nothing) {
  list.replaceChildren(...(items.length ? items : [element("li", nothing, { class: "nothing" })]));
}

// ---- Panes

function goInShop(wanted) {
  const path = pathIn(wanted);
  byId("path").value = path;
  load(byId("storefront"), "/__desk/shop/?path=" + encodeURIComponent(path));
}

// Offers the parts of the shop that incidents name, and begins where there is a banner to be seen.
async function learnPaths() {
  const banner = await (await fetch("/banner.json")).json();
  const paths = [...new Set(banner.items.flatMap(pathsOf)), "/"];
  byId("paths").replaceChildren(...paths.map((path) => new Option("", path)));
  if (!byId("path").value) goInShop(paths[0]);
}

function stageOf(pane) {
  return pane.querySelector(".stage");
}

function frameOf(pane) {
  return pane.querySelector("iframe:not(.coming)");
}

// A page of the site in the language that was chosen; other pages choose by themselves.
function translated(pane, { pathname, search }) {
  return (pane.id === "status" ? inLanguage(pathname, state.locales, settings.language) : pathname) + search;
}

// Where a pane is going, or is: where somebody went in it, as long as that is ours.
function addressOf(pane) {
  if (pane.dataset.wanted) return pane.dataset.wanted;
  try {
    const { origin, pathname, search } = frameOf(pane).contentWindow.location;
    if (origin === location.origin) return pathname + search;
  } catch {
    // It has gone somewhere else, or nowhere yet.
  }
  return translated(pane, new URL(pane.dataset.address, location));
}

function fit(pane) {
  const stage = stageOf(pane);
  const isLarge = pane.classList.contains("large");
  const scale = Math.min(1, stage.clientWidth / WIDTHS[settings.device]);
  const height = settings.device === "phone" ? PHONE_HEIGHT * scale : 0.6 * WIDTHS.desktop * scale;
  stage.style.setProperty("--device", WIDTHS[settings.device] + "px");
  stage.style.setProperty("--scale", scale);
  stage.style.setProperty("--height", isLarge ? "82vh" : Math.max(320, height) + "px");
}

// Rules for one colour scheme hold always or never; a rule for anything else stays as it is.
function settle(rules, scheme) {
  for (const rule of rules) {
    const wanted = /prefers-color-scheme:\s*(\w+)/.exec(rule.media?.mediaText);
    if (wanted) rule.media.mediaText = wanted[1] === scheme ? "all" : "not all";
    if (rule.cssRules) settle(rule.cssRules, scheme);
  }
}

// A page that says nothing of schemes is light for everybody, and stays so.
function colour(page) {
  if (!settings.colours) return;
  const root = page.documentElement;
  const knowsSchemes = getComputedStyle(root).colorScheme !== "normal" || page.querySelector("meta[name=color-scheme]");
  if (knowsSchemes) root.style.colorScheme = settings.colours;
  for (const sheet of page.styleSheets) {
    try {
      settle(sheet.cssRules, settings.colours);
    } catch {
      // A sheet of another host may not be read.
    }
  }
}

// How somebody reads a page: what must be as it was when it comes again.
function placeIn(view) {
  const open = [...view.document.querySelectorAll("details")].map((one) => one.open);
  const focused = [...view.document.querySelectorAll(FOCUSABLE)].indexOf(view.document.activeElement);
  return { x: view.scrollX, y: view.scrollY, open, focused };
}

function returnTo(view, { x, y, open }) {
  view.document.querySelectorAll("details").forEach((one, number) => (one.open ||= Boolean(open[number])));
  view.scrollTo({ left: x, top: y, behavior: "instant" });
}

// What has the focus keeps it; nothing that is hidden can have it.
function refocus(frame, focused) {
  frame.focus({ preventScroll: true });
  frame.contentDocument.querySelectorAll(FOCUSABLE)[focused]?.focus({ preventScroll: true });
}

// Says around a pane where it is: somebody may have followed a link in it.
function follow(pane, view) {
  const { pathname, search } = view.location;
  pane.querySelector(".alone").href = pathname + search;
  pane.dataset.build = view.document.querySelector("script[data-build]").dataset.build;
  if (pane.id === "storefront") byId("path").value = new URLSearchParams(search).get("path") || "/";
  const language = view.document.documentElement.lang;
  const isOther = pane.id === "status" && language !== settings.language && state.locales.includes(language);
  if (isOther) speak(language);
}

// Loads a page behind the one that is shown, and takes its place when it is there: nothing flickers, nothing moves.
function load(pane, address) {
  const old = frameOf(pane);
  const isSame = old && address === addressOf(pane);
  pane.dataset.wanted = address;
  for (const other of pane.querySelectorAll("iframe.coming")) other.remove();
  const fresh = element("iframe", "", { class: "coming", title: pane.querySelector("h2").textContent });
  fresh.desk = { language: settings.language };
  const arrive = () => {
    if (!fresh.isConnected) return;
    colour(fresh.contentDocument);
    if (fresh.classList.contains("coming")) {
      const hadFocus = old && document.activeElement === old;
      const place = isSame && placeIn(old.contentWindow);
      if (place) returnTo(fresh.contentWindow, place);
      fresh.classList.remove("coming");
      if (hadFocus) refocus(fresh, place?.focused);
      old?.remove();
      delete pane.dataset.wanted;
    }
    follow(pane, fresh.contentWindow);
  };
  // A page that does not report is none of ours: what is shown stays, and `wanted` says what is missing.
  const giveUp = () => fresh.classList.contains("coming") && fresh.remove();
  fresh.addEventListener("ready", arrive);
  fresh.addEventListener("load", () => setTimeout(giveUp, PATIENCE), { once: true });
  fresh.src = address;
  stageOf(pane).append(fresh);
}

function renew(changed) {
  for (const pane of panes) {
    const address = addressOf(pane);
    const isMissing = pane.dataset.wanted && !pane.querySelector("iframe.coming");
    const { pathname } = new URL(address, location);
    if (isMissing || isTouched(pathname, pane.id === "storefront", changed)) load(pane, address);
  }
}

function showAs() {
  document.body.classList.toggle("desktop", settings.device === "desktop");
  for (const pane of document.querySelectorAll(".pane")) {
    const isLarge = settings.large === pane.id;
    pane.classList.toggle("large", isLarge);
    pane.querySelector(".enlarge").setAttribute("aria-pressed", isLarge);
    pane.querySelector(".enlarge").textContent = isLarge ? "Make small" : "Enlarge";
    fit(pane);
  }
}

function furnish(pane) {
  pane.append(byId("tools").content.cloneNode(true));
  pane.querySelector(".alone").target = "meaculpa-" + pane.id;
  pane.querySelector(".enlarge").onclick = () => {
    keep({ large: settings.large === pane.id ? "" : pane.id });
    showAs();
    pane.scrollIntoView({ block: "nearest" });
  };
  new ResizeObserver(() => fit(pane)).observe(stageOf(pane));
}

// ---- Promises and findings

function jumpTo(time) {
  const button = element("button", "See it then", { type: "button", class: "jump" });
  button.onclick = () => travel(new Date(time).toISOString());
  return button;
}

function promiseItem(incident) {
  const promise = promiseOf(incident, now());
  const parts = [element("strong", incident.title), element("span", promise.words, { class: "due" })];
  parts.push(element("code", commandFor(incident, state.program)));
  if (promise.time) parts.push(jumpTo(promise.time));
  return element("li", "", { class: promise.state, id: "p-" + incident.id }, parts);
}

function showPromises() {
  const focused = document.activeElement.closest?.("#promises li")?.id;
  const owed = state.owed.map((line) => element("li", line, { class: "late" }));
  fill(byId("promises"), [...owed, ...state.incidents.map(promiseItem)], "Nothing is open, nothing is planned.");
  if (focused) byId(focused)?.querySelector("button")?.focus({ preventScroll: true });
}

// Time goes on: only what it changes is written anew, so that nobody loses what they have selected.
function renewPromises() {
  for (const incident of state.incidents) {
    const { words, state: kind } = promiseOf(incident, now());
    const item = byId("p-" + incident.id);
    item.className = kind;
    const due = item.querySelector(".due");
    if (due.textContent !== words) due.textContent = words;
  }
}

function findingItem(problem) {
  const kind = problem.severity + (problem.rule ? " " + problem.rule : "");
  const parts = [element("span", kind, { class: "kind" }), element("code", placeOf(problem)), element("span", problem.message)];
  if (problem.hint) parts.push(element("span", problem.hint, { class: "soft" }));
  if (problem.text) parts.push(element("code", problem.text, { class: "source" }));
  return element("li", "", { class: problem.severity }, parts);
}

function showFindings() {
  const rank = ["error", "warning", "note"];
  const sorted = [...state.problems].sort((one, other) => rank.indexOf(one.severity) - rank.indexOf(other.severity));
  fill(byId("findings"), sorted.map(findingItem), "No mistake in the files, none in their words.");
  byId("trouble").textContent = [...state.failure, state.consequence].join(" ");
  byId("trouble").hidden = !state.consequence;
}

// ---- Letters

async function readLetter({ plan, number }) {
  const address = "/__desk/letters/" + encodeURIComponent(plan) + "/" + number;
  const answer = await fetch(address, { headers: { "X-Desk-Key": key } });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

function explain(...texts) {
  byId("facts").replaceChildren();
  stageOf(byId("letters")).replaceChildren(...texts.map((text) => element("p", text)));
}

// A letter is shown as mail programs show it: no script runs in it, its colours are those that were chosen.
function showLetter(read) {
  const facts = { To: [read.name, read.email].filter(Boolean).join(", "), Subject: read.subject };
  byId("facts").replaceChildren(...Object.entries(facts).flatMap(([name, text]) => [element("dt", name), element("dd", text)]));
  const frame = element("iframe", "", { sandbox: "allow-same-origin", title: "Letter", srcdoc: read.html });
  frame.onload = () => {
    colour(frame.contentDocument);
    frame.contentDocument.addEventListener("click", openOutside);
  };
  stageOf(byId("letters")).replaceChildren(frame);
}

// What a letter links to opens in a tab of its own: within the letter, nothing brings the letter back.
function openOutside(event) {
  const link = event.target.closest("a[href]");
  event.preventDefault();
  if (link) open(link.href, "_blank", "noopener");
}

async function showLetters() {
  const pane = byId("letters");
  const plan = state.plans.find((one) => one.name === letter.plan) || state.plans[0];
  pane.querySelector(".plans").hidden = !plan;
  byId("outdated").hidden = !plan?.changes.length && !plan?.unsure;
  if (!plan) return explain("No letters are planned.", ...(state.letters_command ? [state.program + " " + state.letters_command] : []));
  letter = { plan: plan.name, number: Math.min(letter.plan === plan.name ? letter.number : 0, Math.max(0, plan.count - 1)) };
  const options = state.plans.map((one) => new Option(one.name, one.name, false, one === plan));
  byId("plan").replaceChildren(...options);
  byId("which").textContent = plan.count ? letter.number + 1 + " of " + plan.count.toLocaleString("en-GB") : "none";
  byId("before").disabled = letter.number === 0;
  byId("after").disabled = letter.number + 1 >= plan.count;
  byId("outdated").textContent = plan.unsure
    ? "Whether the plan still holds cannot be said: " + plan.unsure
    : plan.changes.join("; ") + ". Plan it again: " + plan.again;
  if (!plan.count) return explain(plan.trouble || "Nobody gets a letter by this plan.");
  if (!key) return explain("Letters hold names and addresses: open the desk at the address that the terminal shows.");
  const wanted = letter;
  try {
    const read = await readLetter(wanted);
    if (wanted === letter) showLetter(read);
  } catch (error) {
    explain(error.message);
  }
  return undefined;
}

function turn(step) {
  letter = { ...letter, number: letter.number + step };
  showLetters();
}

// ---- The clock

function showClock() {
  const long = { day: "numeric", month: "short", year: "numeric", second: "2-digit" };
  const away = 1e3 * state.shift;
  const isElsewhen = Math.abs(away) > 1e3;
  const words = spanWords(Math.abs(away)) + (away > 0 ? " ahead" : " back");
  byId("time").textContent = clockWords(now(), long) + " UTC" + (isElsewhen ? ", " + words : "");
  if (!isElsewhen && document.activeElement === byId("now")) byId("next").focus();
  byId("now").hidden = !isElsewhen;
  document.body.classList.toggle("elsewhen", isElsewhen);
}

async function travel(at) {
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetch("/__desk/clock", { method: "POST", headers, body: JSON.stringify({ at }) });
    byId("refused").textContent = answer.ok ? "" : await answer.text();
  } catch {
    byId("refused").textContent = "The desk does not answer.";
  }
}

// ---- What was chosen

function keep(chosen) {
  settings = { ...settings, ...chosen };
  try {
    localStorage.setItem(KEPT, JSON.stringify(settings));
  } catch {
    // It holds for this page.
  }
}

function recall() {
  try {
    settings = { ...settings, ...JSON.parse(localStorage.getItem(KEPT)) };
  } catch {
    // Nothing was chosen yet.
  }
  for (const input of document.querySelectorAll("#view input")) input.checked = settings[input.name] === input.value;
}

function choose(event) {
  const { name, value } = event.target;
  keep({ [name]: value });
  showAs();
  if (name !== "device") loadAll();
}

function loadAll() {
  for (const pane of panes) load(pane, translated(pane, new URL(addressOf(pane), location)));
  showLetters();
}

function speak(language) {
  keep({ language });
  byId("language").value = language;
  loadAll();
}

function showLanguages() {
  const known = [...byId("language").options].map((option) => option.value);
  if (known.join() !== state.locales.join()) {
    byId("language").replaceChildren(...state.locales.map((code) => new Option(code, code)));
  }
  if (!state.locales.includes(settings.language)) settings.language = state.locales[0] || "";
  byId("language").value = settings.language;
}

// ---- News

function take(fresh) {
  const isNext = fresh.before === state.build && fresh.changed;
  const isMoved = Math.abs(fresh.shift - state.shift) > 1;
  const isNew = fresh.build !== state.build;
  const isFirst = !state.build;
  const differs = (...names) => isFirst || names.some((name) => JSON.stringify(fresh[name]) !== JSON.stringify(state[name]));
  const arePromisesNew = isMoved || differs("incidents", "owed");
  const areFindingsNew = differs("problems", "failure", "consequence");
  const areLettersNew = differs("plans", "letters_command");
  const isShopNew = !isFirst && differs("storefront");
  state = fresh;
  byId("shop").textContent = fresh.shop || "Live desk";
  document.title = fresh.shop ? fresh.shop + ": live desk" : "Live desk";
  if (areFindingsNew) showFindings();
  showLanguages();
  if (arePromisesNew) showPromises();
  showClock();
  renew(!isFirst && !isMoved && !isNew ? [] : isNext && !isMoved ? fresh.changed : null);
  if (isShopNew) load(byId("storefront"), addressOf(byId("storefront")));
  if (areLettersNew) showLetters();
  if (isNew) learnPaths().catch(() => {});
}

// Browsers allow six connections to one host: a desk that nobody looks at holds none.
let source;

function listen() {
  source?.close();
  if (document.hidden) return;
  source = new EventSource("/__desk/events");
  const tell = (isLost) => {
    byId("link").classList.toggle("lost", isLost);
    byId("link").textContent = isLost ? "The desk has stopped: meaculpa serve" : "Live";
  };
  source.onopen = () => tell(false);
  source.onerror = () => tell(true);
  source.onmessage = (event) => take(JSON.parse(event.data));
}

byId("letters").append(byId("mail").content.cloneNode(true));
for (const pane of document.querySelectorAll(".pane")) furnish(pane);
byId("letters").querySelector(".alone").remove();
recall();
showAs();
byId("view").addEventListener("change", choose);
byId("path").addEventListener("change", () => goInShop(byId("path").value));
byId("plan").addEventListener("change", (event) => {
  letter = { plan: event.target.value, number: 0 };
  showLetters();
});
byId("before").onclick = () => turn(-1);
byId("after").onclick = () => turn(1);
for (const button of document.querySelectorAll("[data-ahead]")) {
  button.onclick = () => travel(new Date(now() + 1e3 * button.dataset.ahead).toISOString());
}
byId("next").onclick = () => state.next_change && travel(state.next_change);
byId("now").onclick = () => travel(null);
byId("clock").addEventListener("submit", (event) => {
  event.preventDefault();
  if (byId("at").value) travel(byId("at").value + ":00Z");
});
setInterval(showClock, 1e3);
setInterval(renewPromises, 1e4);
document.addEventListener("visibilitychange", listen);
listen();
