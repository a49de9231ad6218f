// Quantizes one model in a process of its own: llama.cpp's quantizer cannot be stopped, and may end the process.
//
// Argument: a QuantizeJob as JSON. What llama.cpp logs goes to stderr, progress among it; the last line of stdout is a QuantizeEnd.
import { RastError } from "../errors.js";
import { loadNative } from "../native/binding.js";
import { endWithParent } from "../native/end-with-parent.js";
import type { NativeModelTensor, NativeQuantizeOptions } from "../native/addon-types.js";

/** What the child is to do. */
export interface QuantizeJob {
    readonly input: string;
    readonly output: string;
    readonly options: NativeQuantizeOptions;
}

/** How it ended. */
export type QuantizeEnd =
    | {
          readonly done: true;
          /** Rules for types, by their number, that no tensor has its type by. */
          readonly idleRules: readonly number[];
      }
    | {
          readonly done: false;
          readonly code: string;
          readonly message: string;
          readonly details: Readonly<Record<string, unknown>>;
      };

function print(end: QuantizeEnd): void {
    process.stdout.write(`${JSON.stringify(end)}\n`);
}

// Of each matrix the first rule counts that fits. What is no regular expression here is left to native code to judge.
function rulesWithout(tensors: readonly NativeModelTensor[], rules: NativeQuantizeOptions["tensorTypes"]): number[] {
    const patterns = rules.map(({ pattern }) => {
        try {
            return new RegExp(pattern);
        } catch {
            return undefined;
        }
    });
    const names = tensors.filter(({ shape }) => shape.length > 1).map(({ name }) => name.toLowerCase());
    const used = new Set(names.map((name) => patterns.findIndex((pattern) => pattern?.test(name))));
    return [...rules.keys()].filter((index) => patterns[index] !== undefined && !used.has(index));
}

endWithParent();
try {
    const { input, output, options } = JSON.parse(process.argv[2]!) as QuantizeJob;
    const { addon } = await loadNative();
    // here, where a pattern that takes for ever can be ended
    const idleRules = rulesWithout(await addon.modelTensors(input), options.tensorTypes);
    await addon.quantizeModel(input, output, options);
    print({ done: true, idleRules });
} catch (error) {
    const { code, message, details } = RastError.from(error);
    print({ done: false, code, message, details });
}
