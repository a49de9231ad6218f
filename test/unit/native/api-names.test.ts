import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../support/native.js";

const native = join(root, "native");

describe("the native tree", () => {
    it("names every bound function of llama.cpp in api-names.h", () => {
        const listed = [...readFileSync(join(native, "llama", "api.h"), "utf8").matchAll(/\bX\((\w+)\)/g)].map((m) => m[1]);
        const named = [...readFileSync(join(native, "llama", "api-names.h"), "utf8").matchAll(/^#define (\w+)/gm)].map(
            (m) => m[1]
        );
        expect(new Set(listed).size).toBe(listed.length);
        expect(named).toEqual([...listed].sort());
    });

    it("keeps Node-API out of the engine", () => {
        for (const folder of ["engine", "llama"]) {
            for (const name of readdirSync(join(native, folder)).filter((file) => /\.(cpp|h)$/.test(file))) {
                expect(readFileSync(join(native, folder, name), "utf8"), name).not.toMatch(/#include\s*[<"].*napi/);
            }
        }
    });
});
