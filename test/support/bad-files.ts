import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { header } from "../../src/gguf/writer.js";

export interface BadFile {
    readonly name: string;
    readonly path: string;
    readonly code: string;
}

function u64(value: bigint): Buffer {
    const out = Buffer.alloc(8);
    out.writeBigUInt64LE(value);
    return out;
}

function u32(value: number): Buffer {
    const out = Buffer.alloc(4);
    out.writeUInt32LE(value);
    return out;
}

/** Files that no model can be, each as small as it can be, with the code that it must give. @param good a model */
export function badFiles(folder: string, good: string): BadFile[] {
    mkdirSync(folder, { recursive: true });
    const whole = readFileSync(good);
    const magic = Buffer.from("GGUF");
    const start = Buffer.concat([magic, u32(3)]);
    const huge = 1n << 60n;
    const one = u64(1n);
    const none = u64(0n);
    const key = Buffer.concat([u64(1n), Buffer.from("k")]);
    const tensor = (...dimensions: bigint[]): Buffer =>
        Buffer.concat([
            start,
            one,
            none,
            u64(1n),
            Buffer.from("t"),
            u32(dimensions.length),
            ...dimensions.map(u64),
            u32(0),
            none
        ]);
    const make = (name: string, bytes: Buffer, code: string): BadFile => {
        const path = join(folder, `${name.replaceAll(" ", "-")}.gguf`);
        writeFileSync(path, bytes);
        return { name, path, code };
    };
    const folderPath = join(folder, "folder.gguf");
    mkdirSync(folderPath, { recursive: true });
    return [
        { name: "missing", path: join(folder, "missing.gguf"), code: "ERR_FILE_NOT_FOUND" },
        { name: "a folder", path: folderPath, code: "ERR_IS_DIRECTORY" },
        make("empty", Buffer.alloc(0), "ERR_FILE_EMPTY"),
        make("two bytes", Buffer.from("GG"), "ERR_NOT_GGUF"),
        make("text", Buffer.from("not a model\n".repeat(100)), "ERR_NOT_GGUF"),
        make("magic alone", magic, "ERR_MODEL_INVALID"),
        make("version 99", Buffer.concat([magic, u32(99), none, none]), "ERR_MODEL_INVALID"),
        make("other byte order", Buffer.concat([magic, Buffer.from([0, 0, 0, 3]), none, none]), "ERR_MODEL_INVALID"),
        make("cut in the header", whole.subarray(0, 200), "ERR_MODEL_INVALID"),
        make("cut in the weights", whole.subarray(0, Math.floor(whole.length * 0.7)), "ERR_MODEL_TRUNCATED"),
        make("one byte short", whole.subarray(0, whole.length - 64), "ERR_MODEL_TRUNCATED"),
        make("huge number of tensors", Buffer.concat([start, u64(huge), none]), "ERR_MODEL_INVALID"),
        make("huge number of keys", Buffer.concat([start, none, u64(huge)]), "ERR_MODEL_INVALID"),
        make("huge key", Buffer.concat([start, none, one, u64(huge), Buffer.from("k")]), "ERR_MODEL_INVALID"),
        make("huge string", Buffer.concat([start, none, one, key, u32(8), u64(huge)]), "ERR_MODEL_INVALID"),
        make("huge array", Buffer.concat([start, none, one, key, u32(9), u32(4), u64(huge)]), "ERR_MODEL_INVALID"),
        make("unknown type", Buffer.concat([start, none, one, key, u32(77), u32(0)]), "ERR_MODEL_INVALID"),
        make("huge dimensions", tensor(huge, huge), "ERR_MODEL_INVALID"),
        make("negative dimension", tensor(0xffffffffffffffffn), "ERR_MODEL_INVALID"),
        make("no metadata", header({}, []), "ERR_MODEL_INVALID"),
        make(
            "no layers",
            header({ "general.architecture": { kind: "string", value: "llama" } }, []),
            "ERR_MODEL_INVALID"
        ),
        make(
            "too many layers", // llama.cpp has room for 512
            header(
                {
                    "general.architecture": { kind: "string", value: "llama" },
                    "llama.context_length": { kind: "u32", value: 64 },
                    "llama.embedding_length": { kind: "u32", value: 32 },
                    "llama.block_count": { kind: "u32", value: 513 }
                },
                []
            ),
            "ERR_MODEL_INVALID"
        ),
        make(
            "architecture of another type",
            header({ "general.architecture": { kind: "u32", value: 7 } }, []),
            "ERR_MODEL_INVALID"
        )
    ];
}
