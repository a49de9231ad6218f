// node main.js [FOLDER ...]: folders with trio files to choose from, beside the trios that rast-llama knows.
import * as library from "rast-llama";
import { startApp } from "./app.js";
import { NoWindowError } from "./window.js";

try {
    const { closed } = await startApp({ library, folders: process.argv.slice(2) });
    await closed;
    process.exit(0); // what the window's libraries hold open is of no use any more
} catch (error) {
    if (!(error instanceof NoWindowError)) throw error;
    console.error(error.message);
    process.exit(1);
}
