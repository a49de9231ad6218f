import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadNative } from "../../dist/native/binding.js";
import { writeGguf, type Tensor } from "../../src/gguf/writer.js";
import { demo } from "../support/demo.js";

const folder = mkdtempSync(join(tmpdir(), "rast-fingerprint-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { addon } = await loadNative();
const fingerprint = async (path: string): Promise<string> => (await addon.inspectModel(path)).fingerprint;

function flip(path: string, at: number): void {
    const file = openSync(path, "r+");
    writeSync(file, Buffer.from([0xa5]), 0, 1, at);
}

describe("the fingerprint of a model", () => {
    it("is the SHA-256 of size and content of a small one", async () => {
        const content = readFileSync(demo.base);
        const size = Buffer.alloc(8);
        size.writeBigUInt64LE(BigInt(content.length));
        expect(await fingerprint(demo.base)).toBe(createHash("sha256").update(size).update(content).digest("hex"));
    });

    it("touches every tensor of a large one, at both ends and between", async () => {
        const count = 40;
        const elements = 300_000; // 1.2 MB each, 48 MB together
        const path = join(folder, "large.gguf");
        const tensors = Array.from({ length: count }, (_, i): Tensor => {
            return {
                name: `blk.0.t${i}.weight`,
                shape: [elements],
                type: "f32",
                data: new Float32Array(elements).fill(i)
            };
        });
        const meta = {
            "general.architecture": { kind: "string", value: "llama" },
            "llama.block_count": { kind: "u32", value: 1 }
        } as const;
        writeGguf(path, meta, tensors);
        const before = await fingerprint(path);
        const copy = join(folder, "copy.gguf");
        copyFileSync(path, copy);
        expect(await fingerprint(copy)).toBe(before);
        const total = readFileSync(path).length;
        const bytes = elements * 4;
        const data = total - count * bytes;
        const seen = new Set([before]);
        for (const tensor of [0, 17, 39]) {
            for (const at of [0, bytes - 1]) {
                copyFileSync(path, copy);
                flip(copy, data + tensor * bytes + at);
                seen.add(await fingerprint(copy));
            }
        }
        expect(seen.size).toBe(7);
    });

    it("counts the metadata", async () => {
        const path = join(folder, "renamed.gguf");
        const content = readFileSync(demo.base);
        const at = content.indexOf("general.name") + "general.name".length + 12;
        content[at]! ^= 1;
        writeFileSync(path, content);
        expect(await fingerprint(path)).not.toBe(await fingerprint(demo.base));
    });
});
