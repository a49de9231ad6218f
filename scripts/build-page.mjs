// Makes dist/page/index.html of `page`: one file that needs nothing else, with one script and one style sheet.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { licensesOf } from "./bundled-licenses.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

/** @returns the file's size in bytes */
export async function buildPage() {
    const { build, transform } = await import("esbuild");
    const shared = { absWorkingDir: root, bundle: true, write: false, logLevel: "silent", charset: "utf8" };
    const { outputFiles: styles } = await build({
        ...shared,
        entryPoints: ["page/style.ts"],
        format: "esm",
        platform: "node"
    });
    const { pageStyle } = await import(`data:text/javascript,${encodeURIComponent(styles[0].text)}`);
    const css = `${katexStyle()}${pageStyle}`;
    // Custom properties and the like are left to browsers of the last two years.
    const { code: style } = await transform(css, { loader: "css", minify: true, charset: "utf8", target: targets });
    const { outputFiles: scripts, metafile } = await build({
        ...shared,
        entryPoints: ["page/main.ts"],
        format: "iife",
        platform: "browser",
        target: targets,
        minify: true,
        metafile: true,
        legalComments: "none"
    });
    const html = readFileSync(join(root, "page", "page.html"), "utf8")
        // Replaced by functions: in texts "$&" would mean something.
        .replace("<!--style-->", () => `<style>${inside("style", style.trim())}</style>`)
        .replace(
            "<!--script-->",
            () => `<script>${inside("script", withoutComments(scripts[0].text.trim()))}</script>`
        );
    const folder = join(root, "dist", "page");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "index.html"), html);
    const inputs = ["node_modules/katex/dist/katex.min.css", ...Object.keys(metafile.inputs)];
    writeFileSync(join(folder, "LICENSES.txt"), licensesOf("page", inputs));
    return Buffer.byteLength(html);
}

const targets = ["es2022", "chrome115", "firefox115", "safari16.4"];

// KaTeX's own style sheet, its fonts in it: in the one format that all browsers of the targets read.
function katexStyle() {
    const folder = dirname(require.resolve("katex/dist/katex.min.css"));
    const css = readFileSync(join(folder, "katex.min.css"), "utf8");
    const inlined = css.replace(/src:url\((fonts\/[\w-]+\.woff2)\) format\("woff2"\)[^;}]*/g, (_, file) => {
        const font = readFileSync(join(folder, file)).toString("base64");
        return `src:url(data:font/woff2;base64,${font}) format("woff2")`;
    });
    if (/url\((?!data:)/.test(inlined)) throw new Error("KaTeX's style sheet refers to a file.");
    return inlined;
}

// Within texts and regular expressions, where alone it stands, it may be written like this.
function withoutComments(script) {
    return script.replaceAll("<!--", "\\x3C!--");
}

// What would end the element, or begin a comment in it.
function inside(tag, text) {
    if (new RegExp(`</${tag}|<!--`, "i").test(text)) throw new Error(`The page's ${tag} would end early.`);
    return text;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
    const bytes = await buildPage();
    const file = relative(process.cwd(), join(root, "dist", "page", "index.html"));
    process.stdout.write(`${file} (${Math.round(bytes / 1024)} KiB)\n`);
}
