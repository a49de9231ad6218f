// tokenizer.json beside the weights, compared with the template's tokenizer, which the expert gets.
import { counted, quote } from "../checks.js";
import type { NativeAddon, NativeTextComparison } from "../native/addon-types.js";
import type { JsonValue } from "../safetensors/bounded-json.js";
import { Slices } from "../safetensors/slices.js";
import { graftError } from "./graft-error.js";
import type { Template } from "./template.js";

/** Of a thousand ordinary tokens so many may differ: spellings of converters. With more it is another tokenizer. */
const mostDiffering = 1 / 1000;

/**
 * @param tokenizer what tokenizer.json holds
 * @returns what differs and does no harm
 * @throws ERR_GRAFT for another tokenizer, and for tokens that the template has not
 */
export async function compareTokenizer(
    addon: NativeAddon,
    tokenizer: JsonValue,
    template: Template,
    file: string
): Promise<string[]> {
    const model = get(tokenizer, "model");
    const added = await addedTokens(get(tokenizer, "added_tokens"));
    const vocabulary = await vocabularyOf(get(model, "vocab"));
    if (vocabulary === undefined || template.vocabularySize === 0)
        return ["tokenizer.json is of a kind that cannot be compared."];
    const compare = async (key: string, entries: Iterable<readonly [number, string]>): Promise<NativeTextComparison> =>
        addon.compareTexts(template.path, key, await packed(entries));
    const tokens = "tokenizer.ggml.tokens";
    const ordinary = await compare(tokens, withoutThose(vocabulary, added));
    const special = await compare(tokens, added);
    if (ordinary.beyond + special.beyond > 0) {
        const what = `it has ${counted(ordinary.beyond + special.beyond, "token")} behind the template's ${ordinary.size}: the checkpoint's vocabulary was extended`;
        throw graftError(what, { file });
    }
    if (ordinary.differing > ordinary.compared * mostDiffering) {
        const what = `it is another tokenizer than the template's: ${ordinary.differing} of ${ordinary.compared} tokens differ, the first is ${difference(ordinary)}`;
        throw graftError(what, { file });
    }
    const notes: string[] = [];
    if (ordinary.differing > 0) {
        notes.push(
            `${counted(ordinary.differing, "token")} of tokenizer.json ${differ(ordinary)}: ${difference(ordinary)}.`
        );
    }
    if (special.differing > 0) {
        notes.push(
            `${counted(special.differing, "special token")} of tokenizer.json ${differ(special)}: ${difference(special)}.`
        );
    }
    const merges = await mergesOf(get(model, "merges"));
    if (merges === undefined) return notes;
    const found = await compare("tokenizer.ggml.merges", merges.entries());
    if (found.size > 0 && (found.differing > 0 || found.beyond > 0 || found.compared !== found.size)) {
        const which = found.differing > 0 ? `, the first that differs is ${difference(found)}` : "";
        notes.push(`tokenizer.json has ${merges.length} merges, the template ${found.size}, which are kept${which}.`);
    }
    return notes;
}

function differ({ differing }: NativeTextComparison): string {
    return differing === 1
        ? "differs from the template's, which is kept"
        : "differ from the template's, which are kept";
}

function difference({ first, own, given }: NativeTextComparison): string {
    return `${first}: ${quote(given)}, in the template ${quote(own)}`;
}

function get(value: JsonValue | undefined, key: string): JsonValue | undefined {
    return value instanceof Map ? (value as ReadonlyMap<string, JsonValue>).get(key) : undefined;
}

// Texts by id: BPE has an object, unigram models a list with scores.
async function vocabularyOf(value: JsonValue | undefined): Promise<ReadonlyMap<number, string> | undefined> {
    const out = new Map<number, string>();
    const slices = new Slices();
    if (value instanceof Map) {
        for (const [text, id] of value as ReadonlyMap<string, JsonValue>) {
            if (isId(id)) out.set(id, text);
            if (slices.over()) await slices.next();
        }
    } else if (Array.isArray(value)) {
        for (const [id, entry] of (value as readonly JsonValue[]).entries()) {
            if (Array.isArray(entry) && typeof entry[0] === "string") out.set(id, entry[0]);
            if (slices.over()) await slices.next();
        }
    }
    return out.size === 0 ? undefined : out;
}

async function addedTokens(value: JsonValue | undefined): Promise<ReadonlyMap<number, string>> {
    const out = new Map<number, string>();
    const slices = new Slices();
    for (const entry of Array.isArray(value) ? (value as readonly JsonValue[]) : []) {
        const [id, content] = [get(entry, "id"), get(entry, "content")];
        if (isId(id) && typeof content === "string") out.set(id, content);
        if (slices.over()) await slices.next();
    }
    return out;
}

function isId(value: JsonValue | undefined): value is number {
    return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 32;
}

function* withoutThose(
    all: ReadonlyMap<number, string>,
    those: ReadonlyMap<number, string>
): Iterable<readonly [number, string]> {
    for (const entry of all) if (!those.has(entry[0])) yield entry;
}

// "a b", or ["a", "b"]: then llama.cpp's converter moves spaces within a part by 256.
async function mergesOf(value: JsonValue | undefined): Promise<string[] | undefined> {
    if (!Array.isArray(value)) return undefined;
    const out: string[] = [];
    const slices = new Slices();
    for (const merge of value as readonly JsonValue[]) {
        const parts = Array.isArray(merge) ? (merge as readonly JsonValue[]) : [];
        const text = parts.map((part) => (typeof part === "string" ? part : "").replaceAll(" ", "\u0120")).join(" ");
        out.push(typeof merge === "string" ? merge : text);
        if (slices.over()) await slices.next();
    }
    return out;
}

async function packed(entries: Iterable<readonly [number, string]>): Promise<Uint8Array> {
    const parts: Buffer[] = [];
    const slices = new Slices();
    for (const [id, text] of entries) {
        const bytes = Buffer.from(text);
        const head = Buffer.allocUnsafe(8);
        head.writeUInt32LE(id, 0);
        head.writeUInt32LE(bytes.length, 4);
        parts.push(head, bytes);
        if (slices.over()) await slices.next();
    }
    return Buffer.concat(parts);
}
