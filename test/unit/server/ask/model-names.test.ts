import { describe, expect, it } from "vitest";
import { findModel } from "../../../../src/server/ask/model-names.js";

const shelf = { names: ["big", "small"] };

describe("a model's name", () => {
    it.each([
        [undefined, "big", undefined, "big"],
        ["", "big", undefined, "big"],
        ["small", "small", undefined, "small"],
        ["small:base", "small", "base", "small:base"],
        ["big:expert", "big", "expert", "big:expert"],
        ["big:latest", "big", undefined, "big"],
        ["big:rast", "big", undefined, "big"]
    ])("%s", (name, trio, mode, id) => {
        expect(findModel(shelf, name)).toEqual({ trio, mode, id });
    });

    it.each(["bigg", "big:antiexpert", "BIG", "big:", ":base", "__proto__", "big:base:base", "x".repeat(10_000)])(
        "%s is none",
        (name) => {
            const error = (() => {
                try {
                    return findModel(shelf, name);
                } catch (thrown) {
                    return thrown as { failure: { message: string } };
                }
            })();
            expect(error).toMatchObject({ failure: { status: 404, param: "model", code: "model_not_found" } });
            expect((error as { failure: { message: string } }).failure.message.length).toBeLessThan(300);
        }
    );
});
