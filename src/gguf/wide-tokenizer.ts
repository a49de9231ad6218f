// A tokenizer of any width, for models that were never trained.
import type { Metadata } from "./writer.js";

const firstPadding = 151646; // of Qwen2.5's ids: those from here on are no text
const endOfText = 151643;

function byteCharacters(): string[] {
    const out: string[] = [];
    let next = 256;
    for (let byte = 0; byte < 256; ++byte) {
        const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
        out.push(String.fromCharCode(printable ? byte : next++));
    }
    return out;
}

/** A byte-level tokenizer of any width: bytes, then made-up tokens; padding as Qwen2.5 has it. */
export function wideTokenizer(vocabulary: number): Record<string, Metadata> {
    const texts = byteCharacters();
    const types: number[] = texts.map(() => 1);
    const end = vocabulary > endOfText ? endOfText : vocabulary - 1;
    for (let id = texts.length; id < vocabulary; ++id) {
        const special = id === end ? "<|endoftext|>" : id === endOfText + 2 ? "<|im_end|>" : undefined;
        texts.push(special ?? (id < firstPadding ? `t${id}` : `[PAD${id}]`));
        types.push(special ? 3 : id < firstPadding ? 1 : 5);
    }
    return {
        "tokenizer.ggml.model": { kind: "string", value: "gpt2" },
        "tokenizer.ggml.pre": { kind: "string", value: "qwen2" },
        "tokenizer.ggml.tokens": { kind: "strings", value: texts },
        "tokenizer.ggml.token_type": { kind: "i32s", value: types },
        "tokenizer.ggml.merges": { kind: "strings", value: [] },
        "tokenizer.ggml.eos_token_id": { kind: "u32", value: end },
        "tokenizer.ggml.bos_token_id": { kind: "u32", value: end },
        "tokenizer.ggml.add_bos_token": { kind: "bool", value: false }
    };
}

/** Ids below this are text in both vocabularies; undefined when their tokens differ before the padding. */
export function textTokens(a: number, b: number): number | undefined {
    if (a !== b && Math.min(a, b) <= firstPadding) return undefined;
    return Math.min(a, b, endOfText + 1) - 1;
}
