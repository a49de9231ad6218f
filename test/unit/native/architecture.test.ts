import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../support/native.js";

const folders = ["src", "native", "page", "test", "bench", "scripts"];
const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
);
const names = new Set(files.map((file) => basename(file)));

describe("ARCHITECTURE.md", () => {
    it("names files that are there", () => {
        const text = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
        const mentioned = [...text.matchAll(/`(?:[\w-]+\/)*([\w-]+\.(?:cpp|h|ts|mjs))`/g)].map((match) => match[1]!);
        expect(mentioned.length).toBeGreaterThan(30);
        // built into a project, not part of the tree
        const missing = mentioned.filter((name) => !names.has(name) && !["eslint.config.js", "napi.h"].includes(name));
        expect(missing).toEqual([]);
    });
});
