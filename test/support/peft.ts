// PEFT folders of any content.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { f32, safetensorsBytes, type WrittenTensor } from "./safetensors.js";

export const f32Tensor = (shape: readonly number[], value: (index: number) => number): WrittenTensor => {
    const count = shape.reduce((product, n) => product * n, 1);
    return f32(
        shape,
        Array.from({ length: count }, (_, index) => value(index))
    );
};

export function writePeft(
    folder: string,
    config: object,
    weights: Readonly<Record<string, WrittenTensor>> | Buffer
): string {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "adapter_config.json"), JSON.stringify(config));
    const bytes = Buffer.isBuffer(weights) ? weights : safetensorsBytes(weights);
    writeFileSync(join(folder, "adapter_model.safetensors"), bytes);
    return folder;
}
