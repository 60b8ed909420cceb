// Asks an ad blocker's engine, with the lists that most people have, what it would do with the banner.
// Arguments: the folder with the engine, the folder with the lists, addresses to ask about as JSON.
import { createRequire } from "node:module";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const [engineFolder, listFolder, questions] = process.argv.slice(2);
const { FiltersEngine, Request } = createRequire(join(engineFolder, "package.json"))("@ghostery/adblocker");

function texts(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return texts(path);
    return name.endsWith(".txt") ? [readFileSync(path, "utf8")] : [];
  });
}

const lists = texts(listFolder);
const engine = FiltersEngine.parse(lists.join("\n"));
const blocked = JSON.parse(questions).filter(([url, type]) =>
  engine.match(Request.fromRawDetails({ url, type, sourceUrl: "https://www.northwind.example/" })).match,
);
const { styles } = engine.getCosmeticsFilters({
  url: "https://www.northwind.example/",
  hostname: "www.northwind.example",
  domain: "northwind.example",
  ids: ["meaculpa", "meaculpa-banner"],
  classes: ["bottom", "top", "slot"],
  hrefs: [],
  getBaseRules: true,
});
console.log(JSON.stringify({ lists: lists.length, blocked, hidden: /meaculpa-banner/.test(styles) }));
