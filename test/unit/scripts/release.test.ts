import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { undeclaredImports } from "../../../scripts/release.mjs";
import { root } from "../../support/native.js";

const work = mkdtempSync(join(tmpdir(), "rast-release-test-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const manifest = { dependencies: { "@x/named": "1" }, optionalDependencies: { chosen: "1" } };

test("what compiled files import is found, wherever it stands", () => {
    mkdirSync(join(work, "deep"));
    writeFileSync(
        join(work, "deep", "a.js"),
        [
            'import { readFileSync } from "node:fs";',
            'import fs from "fs";',
            'import { a } from "./b.js";',
            'import c, { d } from "@x/named";',
            'import { e } from "chosen/part";',
            'export { default as f } from "@y/other/part";',
            "import {",
            "    g",
            '} from "third";',
            ' * import { h } from "in-a-comment";',
            'const i = await import("late");'
        ].join("\n")
    );
    writeFileSync(join(work, "types.d.ts"), 'import { j } from "types";');
    expect(undeclaredImports(work, manifest)).toEqual(["@y/other", "late", "third"]);
});

test("dist imports what package.json brings alone", () => {
    const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as typeof manifest;
    expect(undeclaredImports(join(root, "dist"), own)).toEqual([]);
});
