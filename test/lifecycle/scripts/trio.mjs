import { fileURLToPath } from "node:url";

const demo = (name) => fileURLToPath(new URL(`../../../models/demo/${name}.gguf`, import.meta.url));
export const trio = {
    base: demo("demo-base"),
    expert: demo("demo-weak-expert"),
    antiexpert: demo("demo-weak-antiexpert"),
    gpuLayers: Number(process.env.RAST_TEST_GPU_LAYERS ?? 0),
    threads: 1
};
export const isolatedTrio = { ...trio, gpuLayers: 0, isolate: true };
export const prompt = "Q: 6+34+63+39?\n";
