// Runs first in every page that the desk shows: gives it the desk's clock, and inside the desk its language. Alone in
// a tab, a page says what is wrong in the files and loads itself again after each build.
// What is published never holds it.
(function () {
  "use strict";
  const { src } = document.currentScript;
  const { role, build, shift } = document.currentScript.dataset;
  const settings = window.frameElement?.desk;

  // ---- The desk's clock: the page's own scripts see no other

  const real = Date;

  function shifted(values) {
    return values.length ? new real(...values) : new real(real.now() + 1e3 * shift);
  }

  if (Number(shift)) {
    window.Date = new Proxy(real, {
      construct: (_, values) => shifted(values),
      apply: () => String(shifted([])),
      get: (_, name) => (name === "now" ? () => real.now() + 1e3 * shift : Reflect.get(real, name)),
    });
  }

  // ---- The visitor that the desk pretends

  function speak(language) {
    Object.defineProperty(navigator, "languages", { get: () => [language] });
    Object.defineProperty(navigator, "language", { get: () => language });
  }

  function pathInShop() {
    return new URLSearchParams(location.search).get("path") || "/";
  }

  // ---- Inside the desk

  // Links lead where the desk can follow; the shop's own page leads nowhere but to its pretended others.
  function keepInside(event) {
    const link = event.target.closest?.("a[href]");
    if (!link) return;
    if (link.origin !== location.origin) Object.assign(link, { target: "_blank", rel: "noopener" });
    else if (role === "shop" && link.pathname !== location.pathname) event.preventDefault();
  }

  function ready() {
    window.frameElement?.dispatchEvent(new Event("ready"));
  }

  // The banner is there when it tells the shop its state.
  function announce() {
    if (role !== "shop") return ready();
    addEventListener("meaculpa:state", ready, { once: true });
    return addEventListener("load", ready);
  }

  // ---- Alone in a tab

  function makeNote() {
    const note = document.createElement("div");
    note.setAttribute("role", "status");
    const root = note.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(
      "div{position:fixed;inset:0 0 auto;padding:12px 16px;max-height:40vh;overflow:auto;z-index:2147483647;" +
        "font:14px/1.5 ui-monospace,monospace;white-space:pre-wrap;color:#fff;background:#8c1a13}" +
        "p{margin:0;unicode-bidi:isolate}",
    );
    root.adoptedStyleSheets = [sheet];
    return note;
  }

  function lineOf({ path, line, message, hint }) {
    return [path, line].filter(Boolean).join(":") + ": " + message + (hint ? " (" + hint + ")" : "");
  }

  // Each line by itself: signs in one that turn its direction round leave the others alone.
  function paragraph(text) {
    return Object.assign(document.createElement("p"), { textContent: text });
  }

  function show(note, state) {
    note.shadowRoot.replaceChildren();
    if (!state.consequence) return note.remove();
    const errors = state.problems.filter((problem) => problem.severity === "error");
    const lines = [...errors.map(lineOf), ...state.failure, state.consequence];
    const box = document.createElement("div");
    box.append(...lines.map(paragraph));
    note.shadowRoot.append(box);
    return document.body.append(note);
  }

  // Browsers allow six connections to one host: a tab that nobody looks at holds none.
  function follow() {
    const note = makeNote();
    let source;
    const listen = () => {
      source?.close();
      if (document.hidden) return;
      source = new EventSource(new URL("events", src));
      source.onmessage = (event) => {
        const state = JSON.parse(event.data);
        if (state.build !== build || Math.abs(state.shift - shift) > 1) return location.reload();
        return show(note, state);
      };
    };
    document.addEventListener("visibilitychange", listen);
    listen();
  }

  if (settings?.language) speak(settings.language);
  if (role === "shop") {
    window.meaculpa = { path: pathInShop(), ...(settings?.language && { lang: settings.language }) };
  }
  addEventListener("DOMContentLoaded", () => {
    if (!settings) return follow();
    document.addEventListener("click", keepInside, true);
    return announce();
  });
})();
