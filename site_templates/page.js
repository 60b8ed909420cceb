// Times are UTC in the page; here each is shown in the visitor's own zone, with the zone's name.
// Who stays for a minute gets refresh.js, which renews what is said.
(function () {
  "use strict";

  const language = document.documentElement.lang;
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" };
  const day = { day: "numeric", month: "short", year: "numeric" };

  function format(date, options) {
    return date.toLocaleString(language === "en" ? "en-GB" : language, options);
  }

  function local(iso, from) {
    const date = new Date(iso);
    const isSameDay = from && format(date, day) === format(new Date(from), day);
    return format(date, isSameDay ? clock : { ...day, ...clock });
  }

  function prepare(part) {
    // A promise that is broken while the page is open, or while nobody publishes, is said without waiting for either.
    for (const late of part.querySelectorAll("[data-due]")) {
      if (Date.now() < Date.parse(late.dataset.due)) continue;
      late.hidden = false;
      const promise = late.parentNode.querySelector(".due");
      if (promise) promise.hidden = true;
    }
    for (const time of part.querySelectorAll("time:not([title])")) {
      time.title = time.textContent;
      time.textContent = local(time.dateTime, time.dataset.from);
    }
  }

  prepare(document);
  const live = document.querySelector("[data-live]");
  const begin = () => import(live.dataset.live).then((refresh) => refresh.start(prepare)).catch(() => {});
  // Pages of what is over are not renewed, nor those on a disk.
  if (live && location.protocol !== "file:") setTimeout(begin, 6e4 * (0.8 + Math.random() * 0.4));
})();
