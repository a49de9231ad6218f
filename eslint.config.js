import tseslint from "typescript-eslint";

/** Who may import whom: a folder of src may not import from the ones named here. */
const layers = {
    "src/native": ["engine", "models", "text", "cli", "demo"],
    "src/models": ["engine", "text", "cli", "demo", "native/binding", "native/libraries"],
    "src/text": ["engine", "models", "native", "cli", "demo"],
    "src/engine": ["cli", "demo"],
    "src/demo": ["cli"]
};

const layerRules = Object.entries(layers).map(([folder, forbidden]) => ({
    files: [`${folder}/**/*.ts`],
    rules: {
        "@typescript-eslint/no-restricted-imports": [
            "error",
            {
                patterns: forbidden.map((name) => ({
                    group: [`../${name}/*`, `../${name}.js`],
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
