// Which of a checkpoint's tensors make which of the expert's: everything is known to fit before anything is written.
import type { NativeTensorType } from "../native/addon-types.js";
import type { Safetensors } from "../safetensors/reader.js";
import type { TensorEntry } from "../safetensors/header.js";
import { Slices } from "../safetensors/slices.js";
import {
    computedTensors,
    families,
    isNeedless,
    isOfVision,
    ruleFor,
    type Family,
    type TensorRule
} from "./families.js";
import { graftError, someOf } from "./graft-error.js";
import { numberOf, type Template, type TemplateTensor } from "./template.js";

/** A stretch of a checkpoint's tensor: whole rows. */
export interface SourcePart {
    readonly tensor: TensorEntry;
    /** First row, counted over all but the innermost dimension. */
    readonly firstRow: number;
    readonly rows: number;
}

/** One tensor of the expert. */
export interface PlannedTensor {
    readonly name: string;
    /** Innermost dimension first. */
    readonly shape: readonly number[];
    readonly type: NativeTensorType;
    readonly bytes: number;
    /** Of the template: it is copied. */
    readonly copyOf?: TemplateTensor;
    /** In order; rows behind their end are zeros. */
    readonly parts: readonly SourcePart[];
    readonly from: "f32" | "f16" | "bf16";
    readonly addOne: boolean;
    readonly headRows: number;
}

/** All of the expert's tensors, and what is to be said of them. */
export interface GraftPlan {
    readonly tensors: readonly PlannedTensor[];
    readonly notes: readonly string[];
}

/** Says which type a tensor gets. @throws ERR_GRAFT */
export type ChooseType = (tensor: Pick<TemplateTensor, "name" | "shape" | "type">) => NativeTensorType;

/**
 * @throws ERR_GRAFT for an architecture that is not known, tensors that are missing, unknown, of another shape or of a type
 *     that is not read, naming them
 */
export async function planGraft(template: Template, weights: Safetensors, chooseType: ChooseType): Promise<GraftPlan> {
    const family = families.get(template.architecture);
    if (family === undefined) {
        const known = [...families.keys()].join(", ");
        throw graftError(`its architecture is ${template.architecture}, and checkpoints are read of ${known}`, {
            file: template.path
        });
    }
    return new Planner(template, family, weights, chooseType).plan();
}

const floats: Readonly<Record<string, PlannedTensor["from"]>> = { F32: "f32", F16: "f16", BF16: "bf16" };

class Planner {
    readonly #template: Template;
    readonly #family: Family;
    readonly #weights: Safetensors;
    readonly #chooseType: ChooseType;
    #prefix = "";
    readonly #used = new Set<string>();
    readonly #missing: [string, string][] = [];
    readonly #notes: string[] = [];

    constructor(template: Template, family: Family, weights: Safetensors, chooseType: ChooseType) {
        this.#template = template;
        this.#family = family;
        this.#weights = weights;
        this.#chooseType = chooseType;
    }

    async plan(): Promise<GraftPlan> {
        this.#prefix = await this.#findPrefix();
        const wanted = [...this.#template.tensors];
        const untied = await this.#untied();
        if (untied !== undefined) wanted.push(untied);
        const tensors: PlannedTensor[] = [];
        for (const tensor of wanted) {
            const planned = this.#planTensor(tensor);
            if (planned !== undefined) tensors.push(planned);
        }
        // of a checkpoint of another size the unknown say more than the missing, of one that is cut off the missing do
        if (this.#missing.length > 0) {
            const [name, tensor] = this.#missing[0]!;
            const more = this.#missing.length === 1 ? "" : `, and ${this.#missing.length - 1} more are missing`;
            throw graftError(`the checkpoint has no ${name}, which ${tensor} is made of${more}`, {
                file: this.#weights.files[0]!,
                tensor: name
            });
        }
        await this.#checkUnknown();
        return { tensors, notes: this.#notes };
    }

    // "model.", or what stands there in checkpoints with more than a text model, or nothing.
    async #findPrefix(): Promise<string> {
        const ending = "embed_tokens.weight";
        const prefixes: string[] = [];
        const slices = new Slices();
        for (const name of this.#weights.tensors.keys()) {
            if (name.endsWith(ending)) prefixes.push(name.slice(0, -ending.length));
            if (slices.over()) await slices.next();
        }
        const known = ["model.", "model.language_model.", "language_model.model.", ""];
        return known.find((prefix) => prefixes.includes(prefix)) ?? "model.";
    }

    #nameOf(from: string): string {
        if (from !== "lm_head.weight") return `${this.#prefix}${from}`;
        const names = [from, `language_model.${from}`, `model.${from}`];
        return names.find((name) => this.#weights.tensors.has(name)) ?? from;
    }

    // Of a template whose output layer is its embedding, and a checkpoint that has one of its own.
    async #untied(): Promise<TemplateTensor | undefined> {
        const head = this.#weights.tensors.get(this.#nameOf("lm_head.weight"));
        if (head === undefined || this.#template.tensors.some(({ name }) => name === "output.weight")) return undefined;
        const embedding = this.#weights.tensors.get(this.#nameOf("embed_tokens.weight"));
        if (embedding !== undefined && (await this.#isSame(head, embedding))) {
            this.#used.add(head.name);
            return undefined;
        }
        if (!this.#family.mayUntie) {
            const what = `the checkpoint has an output layer of its own, and models of ${this.#template.architecture} have none`;
            throw graftError(what, { file: head.file, tensor: head.name });
        }
        this.#notes.push(
            `${head.name} is not the embedding, as in the template: the expert gets an output layer of its own.`
        );
        const like = this.#template.tensors.find(({ name }) => name === "token_embd.weight");
        return like && { ...like, name: "output.weight" };
    }

    async #isSame(one: TensorEntry, other: TensorEntry): Promise<boolean> {
        if (one.bytes !== other.bytes || one.dtype !== other.dtype) return false;
        const step = 8 << 20;
        for (let at = 0; at < one.bytes; at += step) {
            const length = Math.min(step, one.bytes - at);
            const [a, b] = await Promise.all([
                this.#weights.read(one.name, at, length),
                this.#weights.read(other.name, at, length)
            ]);
            if (!a.equals(b)) return false;
        }
        return true;
    }

    #planTensor(tensor: TemplateTensor): PlannedTensor | undefined {
        const none = { parts: [], from: "f32", addOne: false, headRows: 0 } as const;
        const { name, shape } = tensor;
        if (computedTensors.has(name)) {
            const type = this.#chooseType({ ...tensor, type: tensor.type });
            return { name, shape, type: { ...type, name: tensor.type }, bytes: tensor.bytes, copyOf: tensor, ...none };
        }
        let rule = ruleFor(this.#family, name);
        if (rule === undefined) {
            throw graftError(
                `the template has it, and models of ${this.#template.architecture} that are known here do not`,
                {
                    file: tensor.file,
                    tensor: name
                }
            );
        }
        if (name === "output.weight" && !this.#weights.tensors.has(this.#nameOf("lm_head.weight"))) {
            this.#notes.push(
                "The checkpoint's output layer is its embedding: the expert gets it twice, as the template has both."
            );
            rule = { ...rule, from: ["embed_tokens.weight"] };
        }
        const found = this.#findSources(rule, tensor);
        if (found === undefined) return undefined;
        const type = this.#chooseType(tensor);
        const rows = shape.slice(1).reduce((product, n) => product * n, 1);
        return {
            name,
            shape,
            type,
            bytes: (shape[0]! / type.blockSize) * type.blockBytes * rows,
            parts: found.parts,
            from: found.from,
            addOne: rule.addOne === true,
            headRows: rule.heads === undefined ? 0 : this.#headRows(rule.heads, rows, tensor)
        };
    }

    #headRows(key: NonNullable<TensorRule["heads"]>, rows: number, tensor: TemplateTensor): number {
        const heads = numberOf(this.#template, key);
        // a bias is one row of numbers, which are permuted like rows
        const all = tensor.shape.length === 1 ? tensor.shape[0]! : rows;
        if (heads === undefined || heads < 1 || all % heads !== 0 || (all / heads) % 2 !== 0) {
            throw graftError(`its ${all} rows are no ${heads ?? "known number of"} heads of ${key}`, {
                file: tensor.file,
                tensor: tensor.name
            });
        }
        return all / heads;
    }

    #findSources(
        rule: TensorRule,
        tensor: TemplateTensor
    ): { parts: readonly SourcePart[]; from: PlannedTensor["from"] } | undefined {
        const experts = tensor.shape[2] ?? 1;
        for (const from of rule.from) {
            const names = from.includes("{e}")
                ? Array.from({ length: experts }, (_, e) => this.#nameOf(from.replace("{e}", String(e))))
                : [this.#nameOf(from)];
            const sources = names.map((name) => this.#weights.tensors.get(name));
            if (sources.every((source) => source === undefined)) continue;
            const lacking = names.filter((_, index) => sources[index] === undefined);
            if (lacking.length > 0) {
                this.#missing.push(...lacking.map((name): [string, string] => [name, tensor.name]));
                return undefined;
            }
            return this.#fit(sources as TensorEntry[], from, rule, tensor);
        }
        const name = this.#nameOf(rule.from[0]!.replace("{e}", "0"));
        this.#missing.push([name, tensor.name]);
        return undefined;
    }

    #fit(
        sources: readonly TensorEntry[],
        from: string,
        rule: TensorRule,
        tensor: TemplateTensor
    ): { parts: readonly SourcePart[]; from: PlannedTensor["from"] } {
        const first = sources[0]!;
        for (const source of sources) {
            this.#used.add(source.name);
            const place = { file: source.file, tensor: source.name };
            if (floats[source.dtype] === undefined) {
                throw graftError(`it is in ${source.dtype}, and F32, F16 and BF16 are read`, place);
            }
            if (source.dtype !== first.dtype) {
                throw graftError(`it is in ${source.dtype}, and ${first.name} is in ${first.dtype}`, place);
            }
        }
        const numbers = floats[first.dtype]!;
        // outermost first, as checkpoints count
        const wanted = [...tensor.shape].reverse();
        if (from.includes("{e}")) {
            const [, ...each] = wanted;
            for (const source of sources) this.#checkShape(source, each, tensor);
            return { from: numbers, parts: sources.map((source) => ({ tensor: source, firstRow: 0, rows: each[0]! })) };
        }
        if (from.endsWith("gate_up_proj") && wanted.length === 3) {
            const [experts, width, row] = wanted as [number, number, number];
            this.#checkShape(first, [experts, 2 * width, row], tensor);
            const parts = Array.from({ length: experts }, (_, e) => ({
                tensor: first,
                firstRow: (2 * e + (rule.half ?? 0)) * width,
                rows: width
            }));
            return { from: numbers, parts };
        }
        const rows = wanted.slice(0, -1).reduce((product, n) => product * n, 1);
        if (rule.perToken !== true) {
            this.#checkShape(first, wanted, tensor);
            return { from: numbers, parts: [{ tensor: first, firstRow: 0, rows }] };
        }
        return { from: numbers, parts: [{ tensor: first, firstRow: 0, rows: this.#tokenRows(first, wanted, tensor) }] };
    }

    #checkShape(source: TensorEntry, wanted: readonly number[], tensor: TemplateTensor): void {
        const trimmed = (shape: readonly number[]): string => shape.join(", ");
        if (trimmed(source.shape) === trimmed(wanted)) return;
        const what = `its shape is [${trimmed(source.shape)}], and the template's ${tensor.name} wants [${trimmed(wanted)}]`;
        throw graftError(what, { file: source.file, tensor: source.name });
    }

    // Vocabularies are padded to round numbers, here and there to others.
    #tokenRows(source: TensorEntry, wanted: readonly number[], tensor: TemplateTensor): number {
        const [rows, row] = wanted as [number, number];
        const [given, width] = source.shape;
        if (source.shape.length !== 2 || width !== row) this.#checkShape(source, wanted, tensor);
        if (given === rows) return rows;
        const least = this.#template.textVocabularySize;
        if (given! < rows && given! < least) {
            const what = `it has rows for ${given} tokens, and the template has ${least} tokens`;
            throw graftError(what, { file: source.file, tensor: source.name });
        }
        this.#notes.push(
            given! > rows
                ? `${source.name} has ${given} rows, and the template ${rows}: the last ${given! - rows} are left out.`
                : `${source.name} has ${given} rows, and the template ${rows}: padding tokens get ${rows - given!} rows of zeros.`
        );
        return Math.min(given!, rows);
    }

    async #checkUnknown(): Promise<void> {
        const unknown: TensorEntry[] = [];
        let ofVision = 0;
        const slices = new Slices();
        for (const tensor of this.#weights.tensors.values()) {
            const { name } = tensor;
            if (slices.over()) await slices.next();
            if (this.#used.has(name) || isNeedless(name)) continue;
            if (isOfVision(name)) ofVision += 1;
            else unknown.push(tensor);
        }
        if (ofVision > 0) {
            const what = ofVision === 1 ? "1 tensor of the checkpoint is" : `${ofVision} tensors of the checkpoint are`;
            this.#notes.push(`${what} for images, and left out.`);
        }
        if (unknown.length === 0) return;
        const what = `the template has no place for ${someOf(unknown.map(({ name }) => name))}`;
        throw graftError(what, { file: unknown[0]!.file, tensor: unknown[0]!.name });
    }
}
