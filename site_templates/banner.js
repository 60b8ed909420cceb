// The outage banner. A shop installs it with one line: import("https://STATUS/banner.js").catch(function(){})
//
// It shows what the shop's status page says, at the foot of the page, and never hurts its host:
// whatever fails, nothing is shown and nothing is thrown. Text only, in a shadow root; no cookie, no tracking.
(function () {
  "use strict";

  var baked = /*meaculpa:state*/ null;
  var FORGET_AFTER = 48 * 3600e3;
  var MOST = 3;

  // ---- Pure: what is shown to whom, and when

  function isState(value) {
    return !!value && value.v === 1 && Array.isArray(value.items) && typeof value.site === "string";
  }

  function matches(glob, path) {
    var pattern = glob.split("*").map(function (part) { return part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"); });
    return new RegExp("^" + pattern.join(".*") + "$").test(path);
  }

  function isRunning(item, now) {
    if (item.starts && now < Date.parse(item.starts)) return false;
    if (item.ends) return now < Date.parse(item.ends);
    return now < Date.parse(item.updated) + FORGET_AFTER;
  }

  function isFor(item, visitor) {
    var here = !item.paths.length || item.paths.some(function (glob) { return matches(glob, visitor.path); });
    var region = !item.regions.length || !visitor.region || item.regions.indexOf(visitor.region) >= 0;
    var locale = !item.locales.length || item.locales.indexOf(visitor.language) >= 0;
    return here && region && locale;
  }

  function pick(texts, languages) {
    var keys = Object.keys(texts);
    for (var i = 0; i < languages.length; i++) {
      var wanted = languages[i].toLowerCase();
      for (var part = wanted; part; part = part.slice(0, Math.max(0, part.lastIndexOf("-")))) {
        for (var k = 0; k < keys.length; k++) if (keys[k].toLowerCase() === part) return keys[k];
      }
    }
    return keys[0];
  }

  function choose(state, visitor, dismissed) {
    return state.items.filter(function (item) {
      return isRunning(item, visitor.now) && isFor(item, visitor) && !dismissed(item.id + "@" + item.revision);
    }).slice(0, MOST);
  }

  function nextEdge(state, now) {
    var edges = [];
    state.items.forEach(function (item) {
      edges.push(Date.parse(item.starts), Date.parse(item.ends));
    });
    return Math.min.apply(null, edges.filter(function (edge) { return edge > now; }).concat(now + 3600e3));
  }

  // ---- The page it stands on

  var memory = {};

  function isDismissed(key) {
    try { return memory[key] || localStorage.getItem("meaculpa:" + key) !== null; } catch (error) { return !!memory[key]; }
  }

  function dismiss(key) {
    memory[key] = true;
    try { localStorage.setItem("meaculpa:" + key, "1"); } catch (error) { /* it holds for this page */ }
  }

  function visitorNow(state) {
    var settings = window.meaculpa || {};
    var languages = [document.documentElement.lang].concat(navigator.languages || [navigator.language]).filter(Boolean);
    return { now: Date.now(), path: settings.path || location.pathname, region: settings.region, languages: languages, language: pick(state.labels, languages) };
  }

  var CSS = ":host{all:initial!important;position:fixed!important;inset-inline:0!important;bottom:0!important;z-index:2147483000!important}" +
    ":host([top]){bottom:auto!important;top:0!important}" +
    "section{display:flex;gap:.75rem;align-items:center;justify-content:center;box-sizing:border-box;padding:.25rem .25rem .25rem 1rem;" +
    "font:16px/1.4 system-ui,sans-serif;color:#fff;background:#2b2e34;border-top:3px solid #8ab6ff}" +
    "section.critical{background:#8c1a13;border-color:#ff8a7e}section.major,section.minor{background:#5a2d06;border-color:#f3ad55}" +
    "section+section{border-top-width:1px}p{margin:0;padding:.5rem 0;max-width:60rem}a{color:inherit;margin-inline-start:.5em;white-space:nowrap}" +
    "button{flex:none;width:44px;height:44px;border:0;border-radius:6px;background:none;color:inherit;font:24px/1 system-ui,sans-serif;cursor:pointer}" +
    "button:hover{background:#fff3}:focus-visible{outline:3px solid #fff;outline-offset:-3px}" +
    "@media(forced-colors:active){section{border:2px solid}}@media print{:host{display:none!important}}";

  function styled(root) {
    try {
      var sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
      root.adoptedStyleSheets = [sheet];
    } catch (error) {
      root.appendChild(document.createElement("style")).textContent = CSS;
    }
  }

  function element(name, parent, text) {
    var made = parent.appendChild(document.createElement(name));
    if (text) made.textContent = text;
    return made;
  }

  var host = null;

  function draw(state) {
    var visitor = visitorNow(state);
    var items = choose(state, visitor, isDismissed);
    var drawn = items.length ? drawBanner(items, state, visitor.languages) : null;
    // Only now: a state that cannot be drawn takes nothing away.
    if (host) host.remove();
    host = drawn;
    if (host) document.body.appendChild(host);
  }

  function drawBanner(items, state, languages) {
    var banner = document.createElement("meaculpa-banner");
    if (state.position === "top") banner.setAttribute("top", "");
    var root = banner.attachShadow({ mode: "open" });
    styled(root);
    items.forEach(function (item) { drawItem(root, item, state, languages); });
    return banner;
  }

  function drawItem(root, item, state, languages) {
    var locale = pick(item.text, languages);
    var labels = state.labels[locale];
    var section = element("section", root);
    section.className = item.impact;
    section.lang = locale;
    section.dir = "auto";
    section.setAttribute("aria-label", labels.label);
    var text = element("p", section, item.text[locale]);
    var link = element("a", text, labels.more);
    if (/^https?:/.test(item.link[locale])) link.href = item.link[locale];
    var button = element("button", section, "\u00d7");
    button.type = "button";
    button.setAttribute("aria-label", labels.dismiss);
    button.addEventListener("click", function () {
      dismiss(item.id + "@" + item.revision);
      guarded(draw)(state);
    });
  }

  // ---- Keeping up with the status page

  function guarded(action) {
    return function (argument) {
      try { return action(argument); } catch (error) { return undefined; }
    };
  }

  var failures = 0;
  var edgeTimer = 0;

  function show(state) {
    guarded(draw)(state);
    clearTimeout(edgeTimer);
    edgeTimer = setTimeout(function () { show(state); }, Math.min(nextEdge(state, Date.now()) - Date.now() + 500, 2147483647));
  }

  function poll(current) {
    var pause = Math.max(10, +current.poll || 60) * 1e3 * Math.min(16, Math.pow(2, failures)) * (0.8 + Math.random() * 0.4);
    setTimeout(function () {
      if (document.hidden) return poll(current);
      fetchState(current).then(function (fresh) {
        failures = 0;
        if (isState(fresh) && JSON.stringify(fresh) !== JSON.stringify(current)) {
          show(fresh);
          return poll(fresh);
        }
        return poll(current);
      }).catch(function () {
        failures++;
        poll(current);
      });
    }, pause);
  }

  function fetchState(current) {
    var stop = new AbortController();
    var timer = setTimeout(function () { stop.abort(); }, 8000);
    var options = { cache: "no-cache", credentials: "omit", referrerPolicy: "no-referrer", signal: stop.signal };
    return fetch(current.site + "/banner.json", options).then(function (response) {
      if (!response.ok) throw new Error(String(response.status));
      return response.json();
    }).finally(function () { clearTimeout(timer); });
  }

  guarded(function () {
    if (window.meaculpa === false || window.__meaculpaBanner || !isState(baked)) return;
    window.__meaculpaBanner = true;
    var begin = guarded(function () {
      show(baked);
      poll(baked);
    });
    if (document.body) begin();
    else document.addEventListener("DOMContentLoaded", begin);
  })();
})();
