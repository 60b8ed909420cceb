// The outage banner. A shop installs it with one line: import("https://STATUS/banner.js").catch(function(){})
//
// It shows what the shop's status page says, and never hurts its host: whatever fails, nothing is shown and nothing
// is thrown. Text only, in a shadow root; no cookie, no tracking; stored is only what a visitor has dismissed.
//
// `seed` is put in when the site is built: the whole state (banner.js), or where to ask for it (banner.core.*.js).
// What is served is this file made small by `make minify`.
(function (seed) {
  const VERSION = 1;
  const MOST_BYTES = 32768;
  const MOST_ITEMS = 3;
  const MOST_LETTERS = 400;
  const MOST_PATIENCE = 8e3;
  const DAY = 864e5;
  const MODES = ["none", "notice", "banner", "splash"];
  const STATUSES = ["under_maintenance", "degraded_performance", "partial_outage", "major_outage"];

  // ---- Pure: what is shown to whom, and when

  function time(text) {
    return Date.parse(text || "");
  }

  // A path glob: `*` stands for anything. No regular expression, whose time a hostile pattern could blow up.
  function matches(glob, path) {
    const parts = glob.split("*");
    const last = parts.pop();
    if (!parts.length) return path === glob;
    let from = 0;
    const found = parts.every((part, number) => {
      const at = path.indexOf(part, from);
      from = at + part.length;
      return number ? at >= 0 : at === 0;
    });
    return found && path.length - last.length >= from && path.endsWith(last);
  }

  // Some of the globs, and none of those behind a `!`; none at all means everywhere.
  function isAt(globs, path) {
    const wanted = globs.filter((glob) => glob[0] !== "!");
    const isUnwanted = globs.some((glob) => glob[0] === "!" && matches(glob.slice(1), path));
    return !isUnwanted && (!wanted.length || wanted.some((glob) => matches(glob, path)));
  }

  function isFor(item, visitor) {
    const inRegion = (region) => (visitor.region + "-").startsWith(region + "-");
    const isRegion = !item.regions.length || !visitor.region || item.regions.some(inRegion);
    return isRegion && (!item.locales.length || item.locales.includes(visitor.language));
  }

  // When an item is over: as it says, else when nobody has spoken of it for two days.
  function endOf(item) {
    return time(item.ends) || time(item.updated) + 2 * DAY;
  }

  function isRunning(item, now) {
    return !(now < time(item.starts)) && now < endOf(item);
  }

  function isStale(state, now) {
    return now >= time(state.valid_until);
  }

  // What holds for a visitor at this moment, wherever in the shop.
  function running(items, visitor) {
    return items.filter((item) => isRunning(item, visitor.now) && isFor(item, visitor));
  }

  // The first of the visitor's languages that a text has, `de` serving for `de-AT`; else the text's own first.
  function pick(texts, languages) {
    const keys = Object.keys(texts);
    for (const wanted of languages) {
      for (const parts = wanted.toLowerCase().split("-"); parts[0]; parts.pop()) {
        const found = keys.find((key) => key.toLowerCase() === parts.join("-"));
        if (found) return found;
      }
    }
    return keys[0];
  }

  function moment(iso, locale) {
    const form = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
    return new Date(iso).toLocaleString(locale === "en" ? "en-GB" : locale, form);
  }

  function say(item, locale) {
    const fill = (gap, edge) => (item[edge + "s"] ? moment(item[edge + "s"], locale) : gap);
    const text = item.text[locale].replace(/{(start|end)}/g, fill);
    return text.length > MOST_LETTERS ? text.slice(0, MOST_LETTERS - 1) + "…" : text;
  }

  function noticeOf(item, state, visitor) {
    const lang = pick(item.text, visitor.languages);
    const labels = state.labels[lang];
    const text = say(item, lang) + (isStale(state, visitor.now) ? " " + labels.stale : "");
    const link = /^https?:\/\//.test(item.link[lang]) && item.link[lang];
    return { ...item, ...labels, lang, text, link };
  }

  // The notices to draw, with every text ready. Throws for a state of which anything cannot be drawn, now or later.
  function noticesOf(state, visitor, isDismissed) {
    const notices = state.items.filter((item) => item.mode !== MODES[1]).map((item) => noticeOf(item, state, visitor));
    return running(notices, visitor)
      .filter((notice) => isAt(notice.paths, visitor.path) && !isDismissed(notice))
      .slice(0, state.off ? 0 : MOST_ITEMS);
  }

  function worst(order, values) {
    return order.filter((value) => values.includes(value)).pop();
  }

  // What the shop is told: `window.meaculpa.state`. Past `valid_until` it claims nothing, so that no button stays dead.
  function hookOf(state, visitor) {
    const stale = isStale(state, visitor.now);
    const items = stale || state.off ? [] : running(state.items, visitor);
    const modeOf = (some) => worst(MODES, some.map((item) => item.mode)) || MODES[0];
    const modeAt = (path) => modeOf(items.filter((item) => isAt(item.paths, path)));
    const components = {};
    for (const id of items.flatMap((item) => Object.keys(item.components))) {
      const touching = items.filter((item) => item.components[id]);
      components[id] = { status: worst(STATUSES, touching.map((item) => item.components[id])), mode: modeOf(touching) };
    }
    return { v: VERSION, at: state.at, stale, mode: modeAt(visitor.path), components, modeAt };
  }

  function nextEdge(state, now) {
    const edges = state.items.flatMap((item) => [time(item.starts), endOf(item)]);
    return Math.min(...[...edges, time(state.valid_until)].filter((edge) => edge > now));
  }

  // Of our version, no older than what is known, and not from a future that would shut out all that is true.
  function isNews(fresh, state, now) {
    const at = time(fresh.at);
    return fresh.v === VERSION && Array.isArray(fresh.items) && !(at < time(state.at) || at > now + 2 * DAY);
  }

  // Milliseconds until the next look: rarer when nothing is wrong, much rarer while it fails, never in step.
  function pauseOf(state, failures, chance) {
    const seconds = Math.min(3600, Math.max(10, +state.poll || 60)) * (state.items.length || !state.site ? 1 : 5);
    return seconds * 1e3 * Math.min(16, 2 ** failures) * (0.8 + chance * 0.4);
  }

  // ---- The visitor and the shop's page

  const page = document;
  const nothing = { v: VERSION, items: [], labels: {} };
  let state = nothing;
  let offset = 0;
  const memory = {};

  function setting(name) {
    return window.meaculpa?.[name] ?? page.documentElement.getAttribute("data-meaculpa-" + name);
  }

  function visitorOf(labels) {
    const languages = [setting("lang"), page.documentElement.lang, ...navigator.languages].filter(Boolean);
    return {
      now: Date.now() + offset,
      path: setting("path") || location.pathname,
      region: setting("region"),
      languages,
      language: pick(labels, languages),
    };
  }

  function isDismissed(item) {
    let kept = memory[item.id];
    try {
      kept = localStorage.getItem("meaculpa:" + item.id) || kept;
    } catch {
      // What was dismissed on this page holds here.
    }
    // Storage knows texts only, whatever the revision is.
    return kept == item.revision;
  }

  function dismiss(notice) {
    memory[notice.id] = notice.revision;
    try {
      localStorage.setItem("meaculpa:" + notice.id, notice.revision);
    } catch {
      // It holds for this page.
    }
    draw();
  }

  let told = "";

  function leave(hook) {
    window.meaculpa = Object.assign(window.meaculpa || {}, { state: hook });
  }

  function tell(hook) {
    const news = JSON.stringify(hook);
    leave(hook);
    if (news === told) return;
    told = news;
    dispatchEvent(new CustomEvent("meaculpa:state", { detail: hook }));
  }

  // ---- Drawing

  const CSS =
    ":host{all:initial!important;display:block!important;position:fixed!important;inset:auto 0 0!important;z-index:2147483000!important}" +
    ":host(.top){inset:0 0 auto!important}" +
    ":host(.slot){position:static!important}" +
    "section{max-height:40vh;overflow:auto;font:1em/1.4 system-ui,sans-serif;color:#fff}" +
    "div{display:flex;align-items:center;justify-content:center;gap:.5em;padding:.25em;padding-inline-start:1em;background:#2b2e34;border-top:3px solid #8ab6ff}" +
    ".critical{background:#8c1a13;border-color:#ff8a7e}" +
    ".major,.minor{background:#5a2d06;border-color:#f3ad55}" +
    "p{flex:1;margin:.5em 0;max-width:60em;overflow-wrap:anywhere}" +
    "a{color:inherit}" +
    "button{min-width:44px;height:44px;border:0;background:none;color:inherit;font:1.5em system-ui}" +
    ":focus-visible{outline:3px solid;outline-offset:-3px}" +
    "[role]{position:fixed;clip-path:inset(50%)}" +
    "@media print{:host{display:none!important}}";

  let host, region, live, room;
  let drawn = "[]";
  let strikes = 0;
  let edgeTimer;
  const announced = {};
  const observer = new MutationObserver(safely(reattach));

  function element(name, parent, text, attributes = {}) {
    const made = parent.appendChild(page.createElement(name));
    made.textContent = text;
    Object.keys(attributes).forEach((key) => made.setAttribute(key, attributes[key]));
    return made;
  }

  // The host is made once: what is announced is said by a region that was there before.
  function prepare() {
    host = page.createElement("meaculpa-banner");
    const root = host.attachShadow({ mode: "open" });
    live = element("p", root, "", { role: "status" });
    region = element("section", root);
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
      root.adoptedStyleSheets = [sheet];
      room = new CSSStyleSheet();
      new ResizeObserver(safely(makeRoom)).observe(host);
    } catch {
      element("style", root, CSS);
    }
  }

  // Tells the page how high the banner is, so that nothing stays hidden behind it; writes nothing into the page.
  function makeRoom() {
    const sheets = page.adoptedStyleSheets;
    if (!sheets.includes(room)) page.adoptedStyleSheets = [...sheets, room];
    const at = host.className;
    const height = (at === "slot" ? 0 : host.offsetHeight) + "px";
    const end = at === "bottom" ? "body{margin-bottom:" + height + "}" : "";
    const style = ":root{--meaculpa-height:" + height + ";scroll-padding-" + at + ":" + height + "}" + end;
    if (host.isConnected) room.replaceSync("@media screen{" + style + "}");
  }

  // Last in the body, where React's hydration of a whole document leaves it alone.
  function place() {
    const slot = state.position === "slot" && page.querySelector("[data-meaculpa-slot]");
    host.className = slot ? "slot" : state.position === "top" ? "top" : "bottom";
    const parent = slot || page.body;
    if (host.parentNode !== parent) parent.append(host);
    // A page that restores a copy of itself restores a dead copy of us.
    for (const other of page.querySelectorAll("meaculpa-banner")) if (other !== host) other.remove();
    for (const node of [page.documentElement, page.body]) observer.observe(node, { childList: true });
  }

  // The page threw us out with its body's content; whoever does it again and again means it.
  function reattach() {
    if (host.isConnected || strikes > 2) return;
    strikes++;
    setTimeout(() => {
      strikes--;
      redraw();
    }, 1e4);
    place();
  }

  function render(notices) {
    const focused = host.shadowRoot.activeElement;
    region.textContent = "";
    region.setAttribute("aria-label", notices[0]?.label);
    notices.forEach((notice) => renderNotice(notice, "n" + notice.id));
    if (focused) (host.shadowRoot.getElementById(focused.id) || region.querySelector("button"))?.focus();
  }

  function renderNotice(notice, id) {
    const { lang, dir } = notice;
    const line = element("div", region, "", { class: notice.impact, lang, dir });
    const text = element("p", line, notice.text + " ", { id });
    if (notice.link) element("a", text, notice.more, { href: notice.link, id: "a" + id });
    const names = { type: "button", id: "b" + id, "aria-label": notice.dismiss, "aria-describedby": id };
    element("button", line, "×", names).onclick = safely(() => dismiss(notice));
  }

  // Said once each, politely, half a second after the region is there.
  function announce(notices) {
    const news = notices.filter((notice) => announced[notice.id] !== notice.revision);
    if (!news.length) return;
    setTimeout(() => {
      live.lang = news[0].lang;
      live.textContent = news.map((notice) => notice.text).join(" ");
    }, 500);
    setTimeout(() => (live.textContent = ""), 5500);
    for (const { id, revision } of news) announced[id] = revision;
  }

  // Everything that can fail is worked out before anything on the page changes.
  function draw(fresh = state) {
    const visitor = visitorOf(fresh.labels);
    const notices = noticesOf(fresh, visitor, isDismissed);
    const hook = hookOf(fresh, visitor);
    state = fresh;
    clearTimeout(edgeTimer);
    edgeTimer = setTimeout(redraw, Math.min(nextEdge(state, visitor.now) - visitor.now + 500, DAY));
    show(notices);
    tell(hook);
  }

  function show(notices) {
    if (!notices.length && !host) return;
    if (!host) prepare();
    const fresh = JSON.stringify(notices);
    if (fresh !== drawn) render(notices);
    drawn = fresh;
    if (notices.length) {
      place();
      announce(notices);
    } else {
      observer.disconnect();
      host.remove();
      room?.replaceSync("");
    }
  }

  // ---- Keeping up with the status page

  let failures = 0;
  let isDue;

  // Nothing of ours may reach the shop's error handler.
  function safely(action) {
    return (...values) => {
      try {
        return action(...values);
      } catch {
        return undefined;
      }
    };
  }

  const redraw = safely(() => draw());

  async function readText(response) {
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (let left = MOST_BYTES; ; ) {
      const { done, value } = await reader.read();
      if (done) return text;
      text += decoder.decode(value, { stream: true });
      if ((left -= value.length) < 0) throw text;
    }
  }

  // The server's clock, where it may be read; else what is certain: nothing is known before it was said.
  function learnTime(headers, at) {
    const served = time(headers.get("date")) + 1e3 * headers.get("age");
    const least = time(at) - Date.now();
    if (served) offset = served - Date.now();
    else if (least > offset) offset = least;
  }

  // With items, those are kept: what is baked in is only confirmed, for a cache may give out something older.
  async function fetchState(items) {
    let stop;
    try {
      stop = new AbortController();
      setTimeout(() => stop.abort(), MOST_PATIENCE);
      const options = { cache: "no-cache", credentials: "omit", referrerPolicy: "no-referrer", signal: stop.signal };
      const response = await fetch(seed.site + "/banner.json", options);
      const isGone = [404, 410].includes(response.status);
      const fresh = isGone ? { ...nothing, off: true } : JSON.parse(response.ok ? await readText(response) : "");
      learnTime(response.headers);
      if (isNews(fresh, state, Date.now() + offset)) draw(items ? { ...fresh, items } : fresh);
      failures = 0;
    } catch {
      failures++;
    }
    stop?.abort();
  }

  async function look(items) {
    isDue = page.hidden;
    if (!isDue) {
      await fetchState(items);
      wait();
    }
  }

  function wait() {
    if (!state.off) setTimeout(look, pauseOf(state, failures, Math.random()));
  }

  function begin() {
    if (seed.items) {
      learnTime(new Map(), seed.at);
      safely(draw)(seed);
    }
    addEventListener("storage", redraw);
    addEventListener("popstate", redraw);
    window.navigation?.addEventListener("currententrychange", redraw);
    page.addEventListener("visibilitychange", () => isDue && look());
    // What is said now is confirmed at once: who answers for it may be gone, and the visitor's clock may be wrong.
    if (!seed.items?.every((item) => time(item.starts) > Date.now() + 2 * DAY)) look(seed.items);
    else wait();
  }

  safely(() => {
    // Switched off by the shop's page, its script, or its address.
    if ((setting("off") ?? false) !== false || window.meaculpa === false || location.search.includes("meaculpa=off")) return;
    if (seed.off || window.meaculpa?.state) return;
    leave(hookOf(nothing, {}));
    if (page.readyState === "loading") page.addEventListener("DOMContentLoaded", safely(begin));
    else begin();
  })();
})(MEACULPA_SEED);
