import { existsSync, readdirSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import tseslint from "typescript-eslint";

/** Files of src that every layer but report may import. */
const ground = ["accuracy", "checks", "errors", "limits", "package-root", "plain-value", "random"];

/** Who may import whom: what a folder of src may import from outside itself, folders with a slash at the end. */
const layers = {
    native: ground,
    machine: ground,
    models: [...ground, "native/addon-types"],
    trio: [...ground, "catalog/", "machine/", "models/", "text/"],
    placement: [...ground, "native/addon-types"],
    text: ground,
    isolate: [...ground, "native/"],
    workers: [...ground, "machine/", "native/"],
    engine: [...ground, "native/", "text/"],
    loading: [
        ...ground,
        "checkpoint/",
        "engine/",
        "isolate/",
        "machine/",
        "models/",
        "native/",
        "placement/",
        "trio/",
        "workers/"
    ],
    gguf: [...ground, "machine/", "native/"],
    safetensors: ground,
    checkpoint: [...ground, "gguf/", "machine/", "models/", "native/", "safetensors/"],
    hub: [...ground, "machine/"],
    catalog: [...ground, "machine/"],
    pulling: [...ground, "catalog/", "checkpoint/", "gguf/", "hub/", "machine/", "models/", "native/", "trio/"],
    pairing: [...ground, "checkpoint/", "engine/", "loading/", "machine/", "models/", "native/", "trio/"],
    planning: [
        ...ground,
        ...["catalog/", "hub/", "loading/", "machine/", "models/", "native/", "placement/", "trio/", "workers/"]
    ],
    report: [],
    grading: ground,
    "bench/record": [...ground, "report/"],
    "bench/print": ["bench/record/", "report/"],
    "bench/page": ["bench/print/", "bench/record/", "report/"],
    "bench/measure": [...ground, "bench/record/", "engine/", "loading/", "machine/", "native/"],
    "eval/record": [...ground, "machine/"],
    "eval/metrics": [...ground, "eval/record/"],
    "eval/print": ["eval/metrics/", "report/"],
    "eval/page": ["eval/metrics/", "eval/print/", "report/"],
    "eval/data": [...ground, "eval/sums", "grading/", "hub/", "machine/", "models/", "trio/"],
    "eval/ask": [...ground, "engine/", "eval/data/", "eval/record/", "hub/", "loading/", "text/"],
    eval: [
        ...ground,
        ...["engine/", "grading/", "hub/", "loading/", "machine/", "models/", "native/", "text/", "trio/"]
    ],
    scoring: [...ground, "engine/", "grading/json-text", "grading/lines", "grading/reading", "loading/", "models/"],
    explain: [...ground, "engine/", "scoring/"],
    server: [...ground, ...["engine/", "loading/", "machine/", "models/", "native/", "scoring/", "text/", "trio/"]],
    "server/tools": [...ground, "engine/", "text/"],
    "server/ask": [...ground, "engine/", "scoring/", "server/http/", "server/shelf", "server/tools/", "text/"],
    "server/http": [...ground, "server/packages"],
    "server/openapi": [...ground, "server/http/"],
    "server/openai": [...ground, "engine/", "server/ask/", "server/http/", "server/tools/", "text/"],
    "server/anthropic": [...ground, "engine/", "server/ask/", "server/http/", "server/tools/", "text/"],
    "server/ollama": [...ground, "engine/", "server/ask/", "server/http/", "server/tools/", "text/"],
    // llama-server's fields are OpenAI's, and some of its own
    "server/llama": [...ground, "engine/", "server/ask/", "server/http/", "server/openai/", "server/shelf"],
    "explain/page": [
        "checks",
        "engine/token-scores",
        "explain/alignment",
        "explain/at-lambda",
        "explain/explanation",
        "explain/path-coverage",
        "explain/reasoning-words",
        "scoring/score-records",
        "report/"
    ]
};

/** On top of all, with src/index.ts: it may import anything. */
const top = "cli";

for (const folder of foldersOf("src")) {
    if (!Object.hasOwn(layers, folder) && !`${folder}/`.startsWith(`${top}/`)) {
        throw new Error(`src/${folder} has no place in the layers of eslint.config.js.`);
    }
}

function foldersOf(root) {
    return readdirSync(new URL(`./${root}`, import.meta.url), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
        .map(({ parentPath }) => posix.relative(fileURLToPath(new URL(`./${root}`, import.meta.url)), parentPath))
        .filter((folder, index, all) => folder !== "" && all.indexOf(folder) === index);
}

const layerRules = Object.entries(layers).map(([folder, allowed]) => {
    const paths = allowed.map((name) => `${posix.relative(folder, name)}${name.endsWith("/") ? "/" : ".js"}`);
    const exceptThese = paths.length === 0 ? "" : `(?!${paths.map((path) => path.replaceAll(".", "\\.")).join("|")})`;
    const regex = `^${exceptThese}\\.\\.`;
    const message = `src/${folder} may not import this: see layers in eslint.config.js and ARCHITECTURE.md.`;
    return {
        files: [`src/${folder}/*.ts`],
        rules: {
            "@typescript-eslint/no-restricted-imports": ["error", { patterns: [{ regex, message }] }],
            // a slash would end the selector's pattern
            "no-restricted-syntax": [
                "error",
                { selector: `ImportExpression[source.value=/${regex.replaceAll("/", "\\u002F")}/]`, message }
            ]
        }
    };
});

const markup =
    "MemberExpression[property.name=/^(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|write|writeln|srcdoc)$/]";

export default tseslint.config(
    {
        ignores: [
            "examples/electron/dist/",
            "examples/electron/out/",
            "dist/",
            "build/",
            "node_modules/",
            "prebuilds/",
            "gpu-pack/",
            "native/",
            "test/.cache/"
        ]
    },
    ...tseslint.configs.recommended,
    {
        files: ["src/**/*.ts", "test/**/*.ts"],
        extends: [...tseslint.configs.recommendedTypeChecked],
        languageOptions: { parserOptions: { project: ["./tsconfig.test.json"], tsconfigRootDir: import.meta.dirname } },
        rules: {
            "@typescript-eslint/no-floating-promises": "error",
            "@typescript-eslint/switch-exhaustiveness-check": "error",
            "@typescript-eslint/consistent-type-imports": "error",
            "@typescript-eslint/require-await": "off",
            "@typescript-eslint/unbound-method": "off",
            "@typescript-eslint/no-non-null-assertion": "off"
        }
    },
    {
        // vitest's matchers are of type any
        files: ["test/**/*.ts"],
        rules: {
            "@typescript-eslint/no-unsafe-argument": "off",
            "@typescript-eslint/no-unsafe-assignment": "off",
            "@typescript-eslint/no-unsafe-return": "off"
        }
    },
    {
        // The page in the browser: what models say is never markup, and nothing of the engine comes in.
        files: ["page/**/*.ts"],
        extends: [...tseslint.configs.recommendedTypeChecked],
        languageOptions: { parserOptions: { project: ["./page/tsconfig.json"], tsconfigRootDir: import.meta.dirname } },
        rules: {
            "@typescript-eslint/no-floating-promises": "error",
            "@typescript-eslint/switch-exhaustiveness-check": "error",
            "@typescript-eslint/consistent-type-imports": "error",
            "@typescript-eslint/unbound-method": "off",
            "@typescript-eslint/no-non-null-assertion": "off",
            "@typescript-eslint/no-restricted-imports": [
                "error",
                {
                    patterns: [
                        {
                            regex: "/src/(?!report/palette\\.js$|explain/page/(?:shades|shown-token|words)\\.js$)",
                            message: "The page imports of src only what it looks like."
                        }
                    ]
                }
            ],
            "no-restricted-syntax": [
                "error",
                {
                    selector: markup,
                    message: "Texts are never markup: make elements (page/view/element.ts)."
                }
            ],
            "no-eval": "error",
            "no-implied-eval": "off"
        }
    },
    {
        // What apps begin with, JavaScript with types in comments and TypeScript: what models say is never markup there either.
        files: ["examples/**/*.{js,ts}", "test/unit/examples/**/*.ts"],
        // Their types are installed by scripts/example-packages.mjs, as `npm run lint` does.
        extends: existsSync(new URL("./examples/node_modules", import.meta.url))
            ? [...tseslint.configs.recommendedTypeChecked]
            : [],
        languageOptions: {
            parserOptions: { project: ["./examples/tsconfig.json"], tsconfigRootDir: import.meta.dirname }
        },
        rules: {
            "@typescript-eslint/unbound-method": "off",
            "@typescript-eslint/require-await": "off",
            "no-restricted-syntax": ["error", { selector: markup, message: "Texts are never markup: use text nodes." }],
            "no-eval": "error"
        }
    },
    ...layerRules
);
