// Opens one customer's letter. The link's fragment, which no server ever sees, holds the campaign and the token; from
// the token follow the letter's place and its key. Without it nothing here tells anything of anybody.
(async function (seed) {
  "use strict";

  const NAME = 16;
  const NONCE = 12;
  const TAG = 16;
  const HEAD = 4;
  const STEP = 4096;
  const SHARD_BITS = 10;

  // ---- Pure

  const bytesOf = (text) => new TextEncoder().encode(text);
  const fromHex = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));

  function fromBase64(text) {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
  }

  // The campaign (12 hexadecimal digits) and the token (22 signs); a mail program may have put a stop behind them.
  function readFragment(fragment) {
    const found = /^#([0-9a-f]{12})([\w-]{22})/.exec(fragment);
    return found && { campaign: found[1], token: fromBase64(found[2]) };
  }

  function shardOf(name) {
    const number = ((name[0] << 8) | name[1]) >> (16 - SHARD_BITS);
    return number.toString(16).padStart(3, "0");
  }

  const isEqual = (one, other) => one.every((byte, place) => byte === other[place]);

  // The record with this name: what stands behind its name, filled up to the length that all records have.
  function findRecord(shard, name) {
    const length = new DataView(shard.buffer).getUint32(0);
    for (let at = HEAD; at + length <= shard.length; at += length) {
      if (isEqual(name, shard.subarray(at, at + NAME))) return shard.subarray(at + NAME, at + length);
    }
  }

  // ---- Opening

  async function derive(token, campaign, purpose) {
    const whole = await crypto.subtle.importKey("raw", token, "HKDF", false, ["deriveBits", "deriveKey"]);
    const how = { name: "HKDF", hash: "SHA-256", salt: campaign, info: bytesOf("meaculpa letter " + purpose) };
    if (purpose === "name") return new Uint8Array(await crypto.subtle.deriveBits(how, whole, NAME * 8));
    return crypto.subtle.deriveKey(how, whole, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
  }

  // How long a letter is stands nowhere: only the right length opens it.
  async function decrypt(record, key, campaign) {
    const iv = record.subarray(0, NONCE);
    for (let end = NONCE + STEP + TAG; end <= record.length; end += STEP) {
      try {
        const how = { name: "AES-GCM", iv, additionalData: campaign };
        return new TextDecoder().decode(await crypto.subtle.decrypt(how, key, record.subarray(NONCE, end)));
      } catch {
        // Longer than this.
      }
    }
  }

  async function open({ campaign, token }) {
    const salt = fromHex(campaign);
    const name = await derive(token, salt, "name");
    const answer = await fetch(`${campaign}/${shardOf(name)}.bin`, { credentials: "omit" });
    if (answer.status === 404 || answer.status === 403) return undefined;
    if (!answer.ok) throw answer;
    const record = findRecord(new Uint8Array(await answer.arrayBuffer()), name);
    const text = record && (await decrypt(record, await derive(token, salt, "key"), salt));
    return text && JSON.parse(text);
  }

  // ---- Showing

  function make(tag, ...content) {
    const node = document.createElement(tag);
    node.append(...content);
    return node;
  }

  function link(address, ...content) {
    const node = make("a", ...content);
    node.href = address;
    return node;
  }

  const show = {
    facts: (lines) => make("dl", ...lines.flatMap(([label, value]) => [make("dt", label), make("dd", value)])),
    points: (lines) => make("ul", ...lines.map(([text]) => make("li", text))),
    answers: (lines, { answer }) =>
      make("div", ...lines.map(([word, text]) => link(answer.replace("{word}", word), make("b", word), " – " + text))),
    signature: (lines) => make("p", ...lines.flatMap(([text]) => [text, make("br")])),
    text: (lines) => make("p", ...lines.map(([text]) => text)),
  };

  const main = document.querySelector("main");
  const spoken = navigator.languages.flatMap((code) => [code, code.split("-")[0]]);
  const words = seed[spoken.find((code) => seed[code]) ?? document.documentElement.lang];

  const title = document.title;
  let looks = 0;

  function say(name) {
    document.title = title;
    document.documentElement.lang = words.lang;
    document.documentElement.dir = words.dir;
    main.replaceChildren(make("p", words[name]));
    main.firstChild.className = "lead";
  }

  function draw(letter) {
    const parts = letter.blocks.map(([kind, lines]) => {
      const node = show[kind](lines, letter);
      node.className = "letter-" + kind;
      return node;
    });
    const form = { day: "numeric", month: "long", year: "numeric" };
    const locale = letter.locale === "en" ? "en-GB" : letter.locale;
    const until = new Date(letter.until + "T00:00").toLocaleDateString(locale, form);
    const note = make("p", (seed[letter.locale] ?? words).until.replace("{day}", until));
    note.className = "until";
    document.documentElement.lang = letter.locale;
    document.documentElement.dir = letter.direction;
    document.title = letter.subject;
    main.replaceChildren(make("article", make("h1", letter.subject), ...parts, note));
  }

  async function look() {
    const number = ++looks;
    const asked = readFragment(location.hash);
    if (!asked) return say("incomplete");
    if (!globalThis.crypto?.subtle) return say("unsafe");
    say("wait");
    let letter;
    let told = "gone";
    try {
      letter = await open(asked);
    } catch {
      told = "unreachable";
    }
    // Another link may have been opened meanwhile: an answer to this letter must never go to that order.
    if (number !== looks) return;
    letter ? draw(letter) : say(told);
  }

  addEventListener("hashchange", look);
  await look();
})(MEACULPA_SEED);
