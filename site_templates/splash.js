// The splash page's script. The page is complete without it; with it, it speaks one language, tells local times, takes
// over the newest text from the status host, and brings the customer back to where they wanted to be.
//
// It looks whether the shop answers before it goes there: what is shown stays, and nothing is ever posted again.
(function () {
  const PATIENCE = 1e4;
  const LEAST_PAUSE = 15e3;
  const ICON = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><circle r='99' fill='green'/></svg>";

  // ---- Pure

  // Milliseconds until the next look: never in step with the others who wait, and rarer the longer it lasts.
  function pauseOf(seconds, tries, chance) {
    return seconds * 1e3 * Math.min(2, 1.5 ** tries) * (0.5 + chance);
  }

  // The section in the first language that there is one for, `de` serving for `de-AT`; else the first.
  function pick(sections, languages) {
    for (const wanted of languages.flatMap((code) => [code, code.split("-")[0]])) {
      const found = sections.find(({ lang }) => (lang + "-").startsWith(wanted + "-"));
      if (found) return found;
    }
    return sections[0];
  }

  // Text alone crosses over: whatever a status host sends, none of its markup gets into the shop's page.
  function copies(node) {
    return [...node.childNodes].map((child) => {
      if (child.data) return child.data;
      const made = document.createElement(/^(DT|DD|TIME)$/.exec(child.nodeName)?.[0] || "b");
      if (child.dateTime) made.dateTime = child.dateTime;
      made.append(...copies(child));
      return made;
    });
  }

  // ---- The page

  const root = document.documentElement;
  const main = document.querySelector("main");
  const { status, retry, spread } = main.dataset;
  const sections = [...main.children];
  const section = pick(sections, navigator.languages);
  const part = (name) => section.querySelector(name);
  const here = location.href;
  let heard = section.textContent;
  let tries = 0;
  let looked = Date.now();
  let target;
  let timer;

  function localise() {
    const form = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
    for (const time of section.querySelectorAll("time")) {
      time.textContent = new Date(time.dateTime).toLocaleString(root.lang === "en" ? "en-GB" : root.lang, form);
    }
  }

  // Always a GET, also to an address that differs in its fragment alone: the entry is renamed first.
  function go(address) {
    clearTimeout(timer);
    target = "";
    history.replaceState(0, "", "/?" + Date.now());
    location.replace(address);
  }

  function ask(address, options) {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), PATIENCE);
    return fetch(address, { cache: "no-store", ...options, signal: stop.signal });
  }

  // ---- The newest text

  async function hear() {
    const answer = await ask(status + "/splash.html");
    const all = new DOMParser().parseFromString(await answer.text(), "text/html").querySelectorAll("section");
    const news = [...all].find(({ lang }) => lang === root.lang);
    if (heard === news.textContent) return;
    for (const name of ["h1", ".text", "dl"]) part(name).replaceChildren(...copies(news.querySelector(name)));
    heard = news.textContent;
    localise();
  }

  // ---- The way back

  async function look() {
    looked = Date.now();
    wait();
    hear().catch(() => {});
    try {
      // An address with a query may be good for one visit only: another one tells as much.
      const { status, body } = await ask(location.search ? "/" : here, { redirect: "manual" });
      // Several looks may be under way: only the first that is answered brings the customer back, and once.
      if (status < 500 && status !== 429) target ?? welcome([400, 404, 405].includes(status) && !location.search);
      body.cancel();
    } catch {
      // It does not answer yet.
    }
  }

  function wait() {
    clearTimeout(timer);
    timer = setTimeout(look, pauseOf(retry, tries++, Math.random()));
  }

  // A shop that knows no such page was sent a form: the customer goes back to where they filled it in.
  function welcome(isForm) {
    clearTimeout(timer);
    const from = document.referrer;
    target = !isForm ? here : from.startsWith(location.origin + "/") && from !== here ? from : "/";
    document.title = "✓ " + (part(".note").textContent = section.dataset.back);
    document.querySelector("link").href = ICON;
    // Nobody looks at a hidden tab: it waits, and asks nothing of the shop.
    timer = setTimeout(wake, Math.random() * spread * 1e3);
  }

  function wake() {
    if (document.hidden) return;
    if (target) go(target);
    else if (Date.now() - looked > LEAST_PAUSE) look();
  }

  root.lang = section.lang;
  for (const one of sections) one.hidden = one !== section;
  document.title = part("h1").textContent;
  localise();
  const mail = part(".tell");
  if (mail) mail.href += "&body=" + encodeURIComponent(here);
  // The copy on the status host waits for nothing.
  if (here.startsWith(status + "/")) return;
  part(".note").hidden = false;
  hear().catch(() => {});
  wait();
  document.addEventListener("visibilitychange", wake);
  addEventListener("pageshow", wake);
  part(".again").onclick = async (event) => {
    event.preventDefault();
    await look();
    go(target || here);
  };
})();
