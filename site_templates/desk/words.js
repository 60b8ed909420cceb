// What the live desk says and decides: pure functions of what it is told.

const BANNER_FILES = ["banner.js", "banner.json"];

// The file that answers at an address of the site.
function fileAt(pathname) {
  const path = decodeURIComponent(pathname).slice(1);
  return path === "" || path.endsWith("/") ? path + "index.html" : path;
}

// Whether a page shows any of the files that are new; `changed` is null where that may be any.
export function isTouched(pathname, isShop, changed) {
  const files = isShop ? BANNER_FILES : [fileAt(pathname)];
  return !changed || files.some((file) => changed.includes(file));
}

// The address of a page in another language: the first language stands at the top, others in a folder each.
export function inLanguage(pathname, locales, language) {
  const parts = pathname.split("/").slice(1);
  if (locales.slice(1).includes(parts[0])) parts.shift();
  return "/" + [...(locales.indexOf(language) > 0 ? [language] : []), ...parts].join("/");
}

export function spanWords(milliseconds) {
  const minutes = Math.max(0, Math.round(milliseconds / 6e4));
  if (minutes < 60) return minutes + " min";
  if (minutes >= 48 * 60) return Math.floor(minutes / 1440) + " days";
  return Math.floor(minutes / 60) + " h" + (minutes % 60 ? " " + (minutes % 60) + " min" : "");
}

export function clockWords(time, options) {
  const form = { hour: "2-digit", minute: "2-digit", timeZone: "UTC", hourCycle: "h23", ...options };
  return new Date(time).toLocaleString("en-GB", form);
}

function momentWords(time, now) {
  const isFar = Math.abs(time - now) > 12 * 36e5;
  const isOther = new Date(time).getUTCFullYear() !== new Date(now).getUTCFullYear();
  const day = { day: "numeric", month: "short", ...(isOther && { year: "numeric" }) };
  return clockWords(time, isFar ? day : {}) + " UTC";
}

// What an incident owes its readers, or what happens with it next: words, the moment, and how pressing it is.
export function promiseOf(incident, now) {
  const at = (text) => (text ? Date.parse(text) : NaN);
  const say = (time, before) => before + " " + momentWords(time, now) + ", in " + spanWords(time - now);
  const [due, began, ends] = [at(incident.next_update), at(incident.began), at(incident.ends)];
  if (incident.unconfirmed) return { words: "Its window is over: is the work done?", state: "late" };
  if (incident.status === "scheduled") return { words: say(began, "Begins"), time: began, state: "planned" };
  if (incident.kind === "maintenance") {
    return ends > now ? { words: say(ends, "Ends"), time: ends, state: "planned" } : { words: "Under way", state: "planned" };
  }
  if (!due) return { words: "No next update is promised.", state: "late" };
  if (due > now) return { words: say(due, "Next update by"), time: due, state: "open" };
  return { words: "Promised for " + momentWords(due, now) + ", " + spanWords(now - due) + " late", state: "late" };
}

// Paths of the shop at which a notice of the banner is shown: it names them by globs, `!` before what is left out.
export function pathsOf(item) {
  const wanted = item.paths.filter((glob) => glob[0] !== "!").map((glob) => glob.replaceAll("*", ""));
  return item.mode === "notice" ? [] : wanted.length ? wanted : ["/"];
}

// The path of an address of the shop, however it was typed.
export function pathIn(typed) {
  return "/" + typed.trim().replace(/^https?:\/\/[^/]*/, "").replace(/^\/+/, "");
}

export function commandFor(incident, program) {
  const verb = incident.unconfirmed ? "resolve" : "update";
  return program + " " + verb + " " + incident.id;
}

export function placeOf({ path, line }) {
  return line ? path + ":" + line : path;
}
