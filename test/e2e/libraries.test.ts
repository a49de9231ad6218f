import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { libraries, root, run, vulkanEnvironment, vulkanLibrary } from "../support/native.js";

// All libraries in one folder, as a build of one's own leaves them.
const folder = mkdtempSync(join(tmpdir(), "rast-own-libraries-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Report {
    readonly backend: string;
    readonly devices: readonly { readonly type: string }[];
    readonly attempts: readonly { readonly kind: string; readonly outcome: string; readonly reason: string }[];
}

async function devices(env: NodeJS.ProcessEnv): Promise<Report> {
    const result = await run(process.execPath, [join(root, "dist", "cli", "main.js"), "devices", "--json"], { env });
    expect(result.stderr).toBe("");
    return JSON.parse(result.stdout) as Report;
}

describe.runIf(vulkanLibrary !== undefined)("RAST_LIBRARIES", () => {
    beforeAll(() => {
        const { cpuFolder } = libraries.core;
        for (const name of readdirSync(cpuFolder)) symlinkSync(join(cpuFolder, name), join(folder, name));
        symlinkSync(vulkanLibrary!, join(folder, basename(vulkanLibrary!)));
    });

    it("uses a GPU backend that lies in the folder", async () => {
        const found = await devices({ ...vulkanEnvironment(), RAST_LIBRARIES: folder });
        expect(found.backend).toBe("vulkan");
        expect(found.devices.some(({ type }) => type !== "cpu")).toBe(true);
        expect(found.attempts).toContainEqual({
            kind: "cuda",
            source: folder,
            outcome: "not asked for",
            reason: "RAST_BACKEND asks for vulkan"
        });
    });

    it("leaves it alone when RAST_BACKEND asks for the CPU", async () => {
        const found = await devices({ ...vulkanEnvironment(), RAST_LIBRARIES: folder, RAST_BACKEND: "cpu" });
        expect(found.backend).toBe("cpu");
        expect(found.devices.map(({ type }) => type)).toEqual(["cpu"]);
    });
});
