// Quantizes one model in a process of its own: llama.cpp's quantizer cannot be stopped, and may end the process.
//
// Argument: a QuantizeJob as JSON. What llama.cpp logs goes to stderr, progress among it; the last line of stdout is a QuantizeEnd.
import { RastError } from "../errors.js";
import { loadNative } from "../native/binding.js";
import { endWithParent } from "../native/end-with-parent.js";
import type { NativeQuantizeOptions } from "../native/addon-types.js";

/** What the child is to do. */
export interface QuantizeJob {
    readonly input: string;
    readonly output: string;
    readonly options: NativeQuantizeOptions;
}

/** How it ended. */
export type QuantizeEnd =
    | { readonly done: true }
    | {
          readonly done: false;
          readonly code: string;
          readonly message: string;
          readonly details: Readonly<Record<string, unknown>>;
      };

function print(end: QuantizeEnd): void {
    process.stdout.write(`${JSON.stringify(end)}\n`);
}

endWithParent();
try {
    const { input, output, options } = JSON.parse(process.argv[2]!) as QuantizeJob;
    const { addon } = await loadNative();
    await addon.quantizeModel(input, output, options);
    print({ done: true });
} catch (error) {
    const { code, message, details } = RastError.from(error);
    print({ done: false, code, message, details });
}
