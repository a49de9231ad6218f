// Makes dist/server/packages.js of src/server/packages.ts: all that a server is made of, without what only lies beside it.
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { licensesOf } from "./bundled-licenses.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "dist", "server");

const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["src/server/packages.ts"],
    outfile: join(folder, "packages.js"),
    allowOverwrite: true,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    // CommonJS's own names, which are in no module
    banner: {
        js: [
            'import { createRequire } from "node:module";',
            'import { dirname as folderOf } from "node:path";',
            'import { fileURLToPath as pathOf } from "node:url";',
            "const require = createRequire(import.meta.url);",
            "const __filename = pathOf(import.meta.url);",
            "const __dirname = folderOf(__filename);"
        ].join("\n")
    },
    minifyWhitespace: true,
    minifySyntax: true,
    metafile: true,
    legalComments: "none",
    logLevel: "warning"
});
rmSync(join(folder, "packages.js.map"), { force: true });
writeFileSync(join(folder, "LICENSES.txt"), licensesOf("server", Object.keys(metafile.inputs)));
