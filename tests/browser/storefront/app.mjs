// A storefront whose whole document React renders on the server and hydrates in the browser, as Remix and Hydrogen do.
import { createElement as h, useState } from "react";

export function App({ line }) {
  const [label, setLabel] = useState("Buy");
  return h(
    "html",
    { lang: "en" },
    h("head", null, h("meta", { charSet: "utf-8" }), h("title", null, "Shop"), h("script", { dangerouslySetInnerHTML: { __html: line } })),
    h("body", null, h("h1", null, "Tents"), h("button", { onClick: () => setLabel("Bought") }, label)),
  );
}
