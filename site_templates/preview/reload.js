// Only in the preview: shows problems of the files, and loads the page again after each build.
(function () {
  "use strict";
  var build = null;
  var note = document.createElement("div");
  note.setAttribute("role", "status");
  var root = note.attachShadow({ mode: "open" });
  var sheet = new CSSStyleSheet();
  sheet.replaceSync("pre{position:fixed;inset:0 0 auto;margin:0;padding:12px 16px;max-height:40vh;overflow:auto;z-index:2147483647;font:14px/1.5 ui-monospace,monospace;white-space:pre-wrap;color:#fff;background:#8c1a13}");
  root.adoptedStyleSheets = [sheet];

  function show(problems) {
    root.replaceChildren();
    if (!problems.length) return;
    root.appendChild(document.createElement("pre")).textContent = problems.join("\n") + "\nThe last good version stays until this is mended.";
    document.body.appendChild(note);
  }

  new EventSource("/__preview/events").onmessage = function (event) {
    var state = JSON.parse(event.data);
    if (build !== null && state.build !== build) return location.reload();
    build = state.build;
    return show(state.problems);
  };
})();
