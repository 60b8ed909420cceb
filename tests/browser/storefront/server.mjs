import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { App } from "./app.mjs";

process.stdout.write("<!doctype html>" + renderToString(createElement(App, { line: process.argv[2] })));
