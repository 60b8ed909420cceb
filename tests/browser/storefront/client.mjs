import { createElement } from "react";
import { hydrateRoot } from "react-dom/client";
import { App } from "./app.mjs";

window.recovered = [];
window.hydrate = (line) =>
  hydrateRoot(document, createElement(App, { line }), { onRecoverableError: (error) => window.recovered.push(String(error)) });
