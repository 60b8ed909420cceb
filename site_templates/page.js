// Times are UTC in the page; here each is shown in the visitor's own zone, with the zone's name.
(function () {
  "use strict";
  var language = document.documentElement.lang;
  var clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" };
  var day = { day: "numeric", month: "short", year: "numeric" };

  function format(date, options) {
    return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, options).format(date);
  }

  function local(iso, from) {
    var date = new Date(iso);
    var sameDay = from && format(date, day) === format(new Date(from), day);
    return format(date, sameDay ? clock : Object.assign({}, day, clock));
  }

  // A promise that is broken while the page is open, or while nobody publishes, is said without waiting for either.
  document.querySelectorAll("[data-due]").forEach(function (element) {
    if (Date.now() < Date.parse(element.dataset.due)) return;
    element.hidden = false;
    var promise = element.parentNode.querySelector(".due");
    if (promise) promise.hidden = true;
  });

  document.querySelectorAll("time[datetime]").forEach(function (element) {
    try {
      element.title = element.textContent;
      element.textContent = local(element.dateTime, element.dataset.from);
    } catch (error) {
      // The UTC text that is already there stays.
    }
  });
})();
