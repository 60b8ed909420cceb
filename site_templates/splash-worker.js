// A service worker that a shop may serve: when a page of the shop does not come, returning visitors see the splash page.
// It touches nothing but pages that are visited (GET navigations). Kept is one file, the splash page, in one cache.
(function (seed) {
  "use strict";

  const { site, retry } = seed;
  const SPLASH = site + "/splash.html";
  const CACHE = "meaculpa";
  const LONGEST_WAIT = 1e4;
  let isKept = false;

  async function within(time, answer) {
    let timer;
    const late = new Promise((_, refuse) => (timer = setTimeout(refuse, time)));
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  // Also renews the copy, so that what is shown while the status host is down too is never an old outage.
  async function keep() {
    const answer = await within(3e3, fetch(SPLASH, { cache: "no-cache", credentials: "omit" }));
    if (!answer.ok) throw answer;
    await (await caches.open(CACHE)).put(SPLASH, answer.clone());
    isKept = true;
    return answer;
  }

  async function splash(instead) {
    const page = await keep().catch(() => caches.match(SPLASH));
    if (!page) return instead || Response.error();
    const headers = { "Content-Type": "text/html; charset=utf-8", "Retry-After": retry, "Cache-Control": "no-store" };
    return new Response(await page.text(), { status: 503, headers });
  }

  async function visit(event) {
    let answer;
    try {
      answer = await within(LONGEST_WAIT, Promise.resolve(event.preloadResponse).then((early) => early || fetch(event.request)));
    } catch {
      // Refused, or it hangs.
    }
    // Who has no network is not told that the shop is down.
    if (!answer && !navigator.onLine) return Response.error();
    if (!answer || answer.status > 499) return splash(answer);
    if (!isKept) event.waitUntil(keep().catch(() => {}));
    return answer;
  }

  addEventListener("install", (event) => {
    skipWaiting();
    event.waitUntil(keep().catch(() => {}));
  });
  addEventListener("activate", (event) =>
    event.waitUntil(Promise.all([clients.claim(), registration.navigationPreload?.enable()])),
  );
  addEventListener("fetch", (event) => {
    if (event.request.mode === "navigate" && event.request.method === "GET") event.respondWith(visit(event));
  });
})(MEACULPA_SEED);
