import tseslint from "typescript-eslint";

/** Who may import whom: a folder of src may not import from the ones named here. */
const layers = {
    "src/native": ["isolate", "engine", "models", "text", "bench", "report", "cli", "demo"],
    "src/models": ["isolate", "engine", "text", "bench", "report", "cli", "demo", "native/binding", "native/libraries"],
    "src/text": ["isolate", "engine", "models", "native", "bench", "report", "cli", "demo"],
    "src/isolate": ["engine", "models", "text", "bench", "report", "cli", "demo"],
    "src/engine": ["bench", "report", "cli", "demo"],
    "src/bench": ["report", "cli", "demo"],
    "src/report": ["native", "isolate", "engine", "models", "text", "bench", "cli", "demo"],
    "src/demo": ["cli"]
};

/** What a folder may import all the same: pages are made of records, and of nothing that measures. */
const exceptions = { "src/report": ["!../bench/record*.js", "!../bench/tables.js"] };

const layerRules = Object.entries(layers).map(([folder, forbidden]) => ({
    files: [`${folder}/**/*.ts`],
    rules: {
        "@typescript-eslint/no-restricted-imports": [
            "error",
            {
                patterns: forbidden.map((name) => ({
                    group: [`../${name}/*`, `../${name}.js`, ...(exceptions[folder] ?? [])],
                    message: `${folder} may not import from ${name}: see ARCHITECTURE.md.`
                }))
            }
        ]
    }
}));

export default tseslint.config(
    { ignores: ["dist/", "build/", "node_modules/", "prebuilds/", "gpu-pack/", "native/", "test/.cache/"] },
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
    ...layerRules
);
