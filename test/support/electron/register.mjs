// node --import: the module "electron" is the one that stands in for it.
import { register } from "node:module";

const standIn = new URL("./electron.mjs", import.meta.url).href;
const hooks = `export const resolve = (name, context, next) =>
    name === "electron" ? { url: ${JSON.stringify(standIn)}, shortCircuit: true } : next(name, context);`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
