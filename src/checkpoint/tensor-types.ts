// Which type each tensor of a grafted file gets.
import type { NativeTensorType } from "../native/addon-types.js";
import { graftError } from "./graft-error.js";
import type { TemplateTensor } from "./template.js";

/** Types that llama.cpp's converter makes itself, and their `general.file_type`. */
const converted: ReadonlyMap<string, number> = new Map([
    ["F32", 0],
    ["F16", 1],
    ["BF16", 32],
    ["Q8_0", 7]
]);

/** Says which type each tensor gets, for a quantization or for none: then each gets the template's. */
export class TensorTypes {
    /** The quantization that the file will say; undefined for the template's. */
    readonly name: string | undefined;
    /** What llama.cpp's quantizer is to make of the file; undefined where it is done as it is. */
    readonly quantizeTo: string | undefined;
    /** `general.file_type`; undefined for the template's. */
    readonly fileType: number | undefined;
    readonly #all: ReadonlyMap<string, NativeTensorType>;
    readonly #wanted: NativeTensorType | undefined;

    /**
     * @param quantization by the name that llama.cpp gives it
     * @param widest what holds the checkpoint's numbers: what is quantized is quantized from that, and rounded once
     */
    constructor(all: readonly NativeTensorType[], quantization: string | undefined, widest: "F32" | "F16" | "BF16") {
        this.name = quantization;
        this.#all = new Map(all.map((type) => [type.name, type]));
        const plain = quantization !== undefined && converted.has(quantization) ? quantization : undefined;
        this.quantizeTo = plain === undefined ? quantization : undefined;
        const written = plain ?? (quantization === undefined ? undefined : widest);
        this.fileType = written === undefined ? undefined : converted.get(written)!;
        this.#wanted = written === undefined ? undefined : this.#named(written.toLowerCase());
    }

    /** @throws ERR_GRAFT for one of the template that cannot be made without an importance matrix */
    choose(tensor: Pick<TemplateTensor, "name" | "shape" | "type">, template: string): NativeTensorType {
        if (this.#wanted === undefined) {
            const type = this.#named(tensor.type);
            if (type.isWritable) return type;
            const what = `it is in ${tensor.type} there, which needs an importance matrix: say which type the expert is to have`;
            throw graftError(what, { file: template, tensor: tensor.name });
        }
        // as conversion/base.py does it, prepare_tensors
        const isSmall =
            tensor.shape.length <= 1 ||
            tensor.name.endsWith("_norm.weight") ||
            tensor.name.endsWith(".ffn_gate_inp.weight") ||
            !tensor.name.endsWith(".weight");
        if (isSmall) return this.#named("f32");
        return tensor.shape[0]! % this.#wanted.blockSize === 0 ? this.#wanted : this.#named("f16");
    }

    #named(name: string): NativeTensorType {
        return this.#all.get(name)!;
    }
}
