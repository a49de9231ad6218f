import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { childEnvironment, spawnChild } from "../../../src/native/child-process.js";
import { root } from "../../support/native.js";

const folder = mkdtempSync(join(tmpdir(), "rast-child-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function script(name: string, text: string): URL {
    const path = join(folder, name);
    writeFileSync(path, text);
    return pathToFileURL(path);
}

const watcher = JSON.stringify(pathToFileURL(join(root, "dist", "native", "end-with-parent.js")).href);

describe("spawnChild", () => {
    it("starts a script with its arguments and pipes", async () => {
        const url = script("echo.mjs", "process.stdout.write(process.argv.slice(2).join('|') + process.env.RAST_CHILD)");
        const child = spawnChild(url, ["a b", "c"]);
        let text = "";
        child.stdout!.on("data", (part: Buffer) => (text += part.toString()));
        const [code] = (await once(child, "close")) as [number | null];
        expect([code, text]).toEqual([0, "a b|c1"]);
    });

    it("gives a channel if asked", async () => {
        const url = script("channel.mjs", "process.once('message', (m) => process.send({ twice: m.bytes.length * 2 }))");
        const child = spawnChild(url, [], { channel: true });
        child.send({ bytes: new Uint8Array(5) });
        expect((await once(child, "message"))[0]).toEqual({ twice: 10 });
        child.kill();
    });

    it("is refused in a child", async () => {
        const module = JSON.stringify(pathToFileURL(join(root, "dist", "native", "child-process.js")).href);
        const url = script(
            "nested.mjs",
            `import { spawnChild } from ${module};
             try { spawnChild(new URL(import.meta.url), []); } catch (error) { process.stdout.write(error.code); }`
        );
        const child = spawnChild(url, []);
        const [text] = (await once(child.stdout!, "data")) as [Buffer];
        expect(text.toString()).toBe("ERR_INTERNAL");
    });
});

describe("childEnvironment", () => {
    it("takes debuggers away and keeps other options", () => {
        const env = childEnvironment({ NODE_OPTIONS: "--inspect-brk=0 --max-old-space-size=99 --inspect", A: "1" }, {});
        expect(env["NODE_OPTIONS"]).toBe("--max-old-space-size=99");
        expect(env["A"]).toBe("1");
        expect(childEnvironment({}, {})).not.toHaveProperty("NODE_OPTIONS");
    });

    it("lets Electron's binary run as Node.js", () => {
        expect(childEnvironment({}, {}, true)["ELECTRON_RUN_AS_NODE"]).toBe("1");
        expect(childEnvironment({}, {}, false)).not.toHaveProperty("ELECTRON_RUN_AS_NODE");
    });
});

describe("endWithParent", () => {
    const busy = script(
        "busy.mjs",
        `import { endWithParent } from ${watcher}; endWithParent(Number(process.argv[2]) || undefined);
         process.stdout.write("up", () => setTimeout(() => { for (;;); }, 200));`
    );

    it("ends a busy process when its stdin ends", async () => {
        const child = spawnChild(busy, []);
        await once(child.stdout!, "data");
        child.stdin!.end();
        const [code, signal] = (await once(child, "close")) as [number | null, string | null];
        expect([code, signal]).toEqual([null, "SIGKILL"]);
    });

    it("ends a busy process after its time", async () => {
        const child = spawnChild(busy, ["600"]);
        const [code, signal] = (await once(child, "close")) as [number | null, string | null];
        expect([code, signal]).toEqual([null, "SIGKILL"]);
    });

    it("does not keep a process alive", async () => {
        const url = script("idle.mjs", `import { endWithParent } from ${watcher}; endWithParent();`);
        const [code, signal] = (await once(spawnChild(url, []), "close")) as [number | null, string | null];
        expect([code, signal]).toEqual([0, null]);
    });
});
