// Trios with the dimensions of real models and weights without meaning: for timing, and for tests at true widths.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RastError } from "../errors.js";
import { generator } from "../random.js";
import { checkQuantization, quantizeModel } from "./quantize.js";
import { architecture, modelTensors, successors } from "./shaped-model.js";
import type { ModelShape } from "./shapes.js";
import { textTokens, wideTokenizer } from "./wide-tokenizer.js";
import { writeGguf, type Metadata } from "./writer.js";

/** A trio to write. */
export interface ShapedTrioOptions {
    readonly base: ModelShape;
    readonly small: ModelShape;
    /** Any quantization that llama.cpp makes without an importance matrix, e.g. "q4_k_m". */
    readonly type: string;
    /** Of expert and antiexpert. @default type */
    readonly smallType?: string | undefined;
    /** Share of tokens after which expert and ensemble have the same successor, 0 to 1. */
    readonly agreement: number;
    /** Logit of the successor over all others; 16 leaves others 2% at temperature 1 and 150,000 tokens. */
    readonly certainty: number;
}

/** What is being done for a trio. llama.cpp does not tell how far a quantization is. */
export interface ShapedTrioProgress {
    readonly file: string;
    readonly step: "write" | "quantize";
    /** 0 to 1; null while quantizing. */
    readonly fraction: number | null;
}

// What is written without llama.cpp, by its llama_ftype; everything else is made of the second.
const direct = { Q4_0: 2, Q8_0: 7 } as const;

function kindOf(type: string): string | Promise<string> {
    const name = type.toUpperCase();
    return name in direct ? name : checkQuantization(type);
}

// All that decides what is in a file, so that one may be taken for what another run wrote.
function fileName(role: string, shape: ModelShape, type: string, rest: Readonly<Record<string, number>>): string {
    const { width, layers, heads, kvHeads, hidden, vocabulary, attending } = shape;
    const attention = attending === undefined ? {} : { at: attending.join(".") };
    const numbers = { w: width, l: layers, h: heads, kv: kvHeads, f: hidden, ...attention, v: vocabulary, ...rest };
    const parts = Object.entries(numbers).map(([key, value]) => `${key}${value}`);
    return [role, ...parts, type.toLowerCase()].join("-");
}

/**
 * Writes base, expert and antiexpert into a folder, passing over files that are there. Memory stays flat: weights are
 * made and written piece by piece.
 * @returns their paths
 * @throws ERR_INVALID_OPTION for a type or vocabularies that do not do, and what `quantizeModel` throws
 */
export async function writeShapedTrio(
    folder: string,
    { base, small, type, smallType = type, agreement, certainty }: ShapedTrioOptions,
    onProgress: (progress: ShapedTrioProgress) => void = () => {}
): Promise<{ base: string; expert: string; antiexpert: string }> {
    const [baseType, pairType] = [await kindOf(type), await kindOf(smallType)];
    const text = textTokens(base.vocabulary, small.vocabulary);
    if (text === undefined) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `Expected models of one family: vocabularies of ${base.vocabulary} and ${small.vocabulary} are no trio.`
        );
    }
    mkdirSync(folder, { recursive: true });
    const chance = generator(99);
    const differs = Uint8Array.from({ length: text }, () => (chance() / 2 ** 32 >= agreement ? 1 : 0));
    const own = { shape: base, type: baseType, next: () => successors(text, () => false) };
    const pair = { shape: small, type: pairType, next: () => successors(text, (id) => differs[id] === 1) };
    const ofBase = { t: text, c: certainty };
    const ofPair = { ...ofBase, a: agreement };
    const write = (model: ShapedModel): Promise<string> => writeModel(folder, model, certainty, onProgress);
    return {
        base: await write({ ...own, role: "base", seed: 1, named: ofBase }),
        expert: await write({ ...pair, role: "expert", seed: 2, named: ofPair }),
        antiexpert: await write({ ...pair, role: "antiexpert", seed: 3, named: ofPair })
    };
}

interface ShapedModel {
    readonly role: "base" | "expert" | "antiexpert";
    readonly shape: ModelShape;
    /** As llama.cpp names it. */
    readonly type: string;
    readonly next: () => Int32Array;
    readonly seed: number;
    /** What tells its file from others, besides all this. */
    readonly named: Readonly<Record<string, number>>;
}

// Whole or not at all: under another name until it is complete. @returns its path
async function writeModel(
    folder: string,
    model: ShapedModel,
    certainty: number,
    onProgress: (progress: ShapedTrioProgress) => void
): Promise<string> {
    const { role, shape, type, named } = model;
    const pathOf = (kind: string): string => join(folder, `${fileName(role, shape, kind, named)}.gguf`);
    const path = pathOf(type);
    if (existsSync(path)) return path;
    const isDirect = type in direct;
    const plain = isDirect ? (type as keyof typeof direct) : "Q8_0";
    const there = !isDirect && existsSync(pathOf(plain));
    const source = there ? pathOf(plain) : `${pathOf(plain)}.${process.pid}.part`;
    try {
        if (!there) {
            writePlain(source, plain, model, certainty, (fraction) =>
                onProgress({ file: path, step: "write", fraction })
            );
        }
        if (isDirect) renameSync(source, path);
        else {
            onProgress({ file: path, step: "quantize", fraction: null });
            await quantizeModel({ input: source, output: path, type });
        }
    } finally {
        if (!there) rmSync(source, { force: true });
    }
    return path;
}

function writePlain(
    path: string,
    plain: keyof typeof direct,
    { role, shape, next, seed }: ShapedModel,
    certainty: number,
    onPiece: (fraction: number) => void
): void {
    const metadata: Record<string, Metadata> = {
        ...architecture(role, shape, 4096),
        "general.file_type": { kind: "u32", value: direct[plain] },
        "general.quantization_version": { kind: "u32", value: 2 },
        ...wideTokenizer(shape.vocabulary)
    };
    const type = plain === "Q4_0" ? "q4_0" : "q8_0";
    writeGguf(path, metadata, modelTensors(shape, { type, next: next(), certainty, seed }), onPiece);
}
