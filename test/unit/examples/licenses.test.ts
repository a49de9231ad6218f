// docs/embedding.md lists under which licenses an app ships what this package depends on.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..", "..");
const read = (path: string): unknown => JSON.parse(readFileSync(join(root, path), "utf8"));
interface Entry {
    readonly license?: string;
    readonly dev?: boolean;
    readonly peer?: boolean;
    readonly dependencies?: object;
}

const packages = (read("package-lock.json") as { packages: Record<string, Entry> }).packages;
const shipped = Object.entries(packages).filter(
    ([path, { dev, peer }]) => path !== "" && dev !== true && peer !== true
);
const [, section = ""] =
    /\n## Licenses\n(.*?)\n## /s.exec(readFileSync(join(root, "docs", "embedding.md"), "utf8")) ?? [];

it("names every direct dependency with its license", () => {
    const rows = section.split("\n").filter((line) => line.startsWith("| "));
    const direct = Object.keys(packages[""]!.dependencies!);
    expect(direct.length).toBeGreaterThan(5);
    for (const name of direct) {
        const row = rows.find((line) => line.includes(`\`${name}\``));
        expect(row, name).toBeDefined();
        expect(row!.split("|")[2], name).toContain(packages[`node_modules/${name}`]!.license);
    }
});

it("leaves no license of what these need unsaid", () => {
    const unsaid = shipped.filter(([path, { license }]) => {
        const known =
            license ?? (existsSync(join(root, path)) ? (read(`${path}/package.json`) as Entry).license : "MIT");
        return known === undefined || !known.split(/ OR |[()]/).some((each) => each !== "" && section.includes(each));
    });
    expect(unsaid.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
});
