// Renews a page of the status site in place while somebody looks: what has the focus keeps it, what was opened stays
// open, and nothing moves that has not changed. A page loads it when it has been open for a minute.

const PAUSE = 6e4;
const STATE = new URL("../banner.json", import.meta.url);

// Makes one element like another. Nodes of the same id, or of the same kind in the same place, stay what they are.
function renew(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  for (const name of fresh.getAttributeNames()) old.setAttribute(name, fresh.getAttribute(name));
  for (const name of old.getAttributeNames()) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  let next = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const isLike = (node) => node && node.nodeName === child.nodeName && (node.id || "") === (child.id || "");
    const match = child.id ? [...old.children].find(isLike) : isLike(next) && next;
    if (match && match === next) next = next.nextSibling;
    else old.insertBefore(match || child, next);
    if (match && match.nodeType === 1) renew(match, child);
    else if (match) match.data = child.data;
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

// Whether a page allows itself the style and the script of this one; with others it is another page.
function isAlike(text) {
  const policy = document.querySelector("meta[http-equiv]").content;
  return policy.match(/sha256-[^']+/g).every((hash) => text.includes(hash));
}

// When an answer left the server's side, by the server's clock: a visitor's may be wrong.
function sentAt(headers) {
  const at = Date.parse(headers.get("date")) + 1e3 * (headers.get("age") || 0);
  return at || Date.now();
}

// Until when somebody answers for what is shown, by the visitor's clock, and what is said past that.
async function readPromise(before) {
  try {
    const answer = await fetch(STATE, { cache: "no-cache" });
    const state = await answer.json();
    const ahead = Date.parse(state.valid_until) - sentAt(answer.headers);
    const labels = state.labels[document.documentElement.lang] || Object.values(state.labels)[0];
    return { until: Date.now() + ahead || Infinity, words: labels.stale };
  } catch {
    return before;
  }
}

// Says in a page that it may be out of date, if it may.
function admit(page, promise) {
  const place = page.querySelector("[data-live]");
  const said = place.querySelector("[data-stale]");
  const isStale = promise.until <= Date.now();
  if (said && !isStale) said.remove();
  if (said || !isStale) return;
  const line = place.appendChild(page.createElement("p"));
  line.dataset.stale = "";
  line.textContent = promise.words;
}

function take(text, prepare) {
  // A network that wants a log-in answers too, with a page of its own.
  if (!text.includes('<main id="content">')) throw text;
  if (!isAlike(text)) return location.reload();
  const fresh = new DOMParser().parseFromString(text, "text/html");
  prepare(fresh);
  const focused = document.activeElement;
  renew(document.querySelector("main"), fresh.querySelector("main"));
  if (focused.isConnected) focused.focus({ preventScroll: true });
  document.title = fresh.title;
  document.querySelector("[rel=icon]").href = fresh.querySelector("[rel=icon]").getAttribute("href");
}

export function start(prepare) {
  let failures = 0;
  let looked = 0;
  let timer;
  let promise = { until: Infinity };

  async function look() {
    if (document.hidden || Date.now() - looked < PAUSE / 2) return;
    clearTimeout(timer);
    looked = Date.now();
    promise = await readPromise(promise);
    const ready = (page) => {
      prepare(page);
      admit(page, promise);
    };
    try {
      const answer = await fetch(location.href, { cache: "no-cache" });
      if (!answer.ok) throw answer;
      take(await answer.text(), ready);
      failures = 0;
    } catch {
      failures++;
      ready(document);
    }
    timer = setTimeout(look, PAUSE * Math.min(16, 2 ** failures) * (0.8 + Math.random() * 0.4));
  }

  document.addEventListener("visibilitychange", look);
  look();
}
