import type { LoadOptions } from "../../loading/load-options.js";
import { RastError } from "../../errors.js";
import {
    expandHome,
    fileFlag,
    repeatableFlag,
    textFlag,
    toNumber,
    under,
    type Flag,
    type FlagValues
} from "../flag.js";

const paths = (texts: readonly string[]): readonly string[] => texts.map(expandHome);

type Lora = { readonly path: string; readonly scale?: number };

// "adapter.gguf=0.5"; what stands behind the last "=" is a scale if it is a number, else it belongs to the name.
function loraFlag(usage: string, description: string): Flag<readonly Lora[]> {
    return repeatableFlag(usage, description, (texts) =>
        texts.map((text) => {
            const [, path, scale] = /^(.+)=([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)$/i.exec(text) ?? [];
            return path === undefined ? { path: expandHome(text) } : { path: expandHome(path), scale: Number(scale) };
        })
    );
}

/** Which models are meant. */
export const modelFlags = under("Models", {
    trio: fileFlag("--trio <name|file>", "a trio by its name, its file (JSON), or the folder of its file"),
    base: fileFlag("--base <file>", "the large model (GGUF); alone, it runs as a plain model"),
    expert: repeatableFlag(
        "--expert <file>",
        "the small model after reinforcement learning; repeat for further pairs",
        paths
    ),
    antiexpert: repeatableFlag(
        "--antiexpert <file>",
        "the same small model before it; repeat for further pairs",
        paths
    ),
    "base.lora": loraFlag("--base-lora <file[=scale]>", "a LoRA adapter on the base (GGUF or PEFT folder); repeatable"),
    "expert.lora": loraFlag(
        "--expert-lora <file[=scale]>",
        "the same, on the expert; without --expert, on the antiexpert's file"
    ),
    "antiexpert.lora": loraFlag("--antiexpert-lora <file[=scale]>", "the same, on the antiexpert")
});

/** How much of the delta is added, and to which tokens. */
export const strengthFlags = under("Models", {
    specialTokens: textFlag(
        "--special-tokens <same|by-role>",
        "whether special tokens may differ between models (default by-role)"
    ) as Flag<NonNullable<LoadOptions["specialTokens"]>>,
    lambda: repeatableFlag(
        "--lambda <number>",
        "strength of the delta, -10 to 10; repeat for further pairs",
        (texts, name) => {
            const lambdas = texts.map((text) => toNumber(text, name));
            return lambdas.length === 1 ? lambdas[0]! : lambdas;
        }
    )
});

/** What `LoadOptions` says of the models. */
export type ModelChoice = Pick<LoadOptions, "trio" | "base" | "expert" | "antiexpert" | "pairs">;

/** A model's options beside its path. */
export type Placement = { device?: readonly string[]; gpuLayers?: "auto" | number };
type RoleOptions = Placement & { path?: string; lora?: readonly Lora[] };

/**
 * @param places what is to differ for a role
 * @throws ERR_INVALID_OPTION unless there is a trio or a base, and as many antiexperts as experts
 */
export async function chooseModels(
    typed: FlagValues<typeof modelFlags>,
    places: Readonly<Partial<Record<"base" | "expert" | "antiexpert", Placement>>> = {}
): Promise<ModelChoice> {
    const { trio, base, antiexpert: antiexperts = [] } = typed;
    const loras = { base: typed["base.lora"], expert: typed["expert.lora"], antiexpert: typed["antiexpert.lora"] };
    // an expert that is an adapter alone is one on the antiexpert
    const experts = typed.expert ?? (trio === undefined && loras.expert !== undefined ? antiexperts : []);
    if (trio === undefined && base === undefined) {
        const { bundledTrioFolder, trioNames } = await import("../../trio/trio.js");
        const names = (await trioNames([bundledTrioFolder()])).join(", ");
        const message =
            `No models: give --trio NAME (${names} come with the package, rast trios lists all), ` +
            "or --base FILE with --expert FILE and --antiexpert FILE.";
        throw new RastError("ERR_INVALID_OPTION", message);
    }
    if (experts.length !== antiexperts.length && trio === undefined) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `Expected as many --antiexpert as --expert, received ${antiexperts.length} and ${experts.length}.`
        );
    }
    if (experts.length > 1 && (loras.expert ?? loras.antiexpert) !== undefined) {
        throw new RastError("ERR_INVALID_OPTION", "--expert-lora and --antiexpert-lora are for one pair.");
    }
    const model = (path: string | undefined, role: keyof typeof places): RoleOptions => ({
        ...(path === undefined ? {} : { path }),
        ...(loras[role] === undefined ? {} : { lora: loras[role] }),
        ...places[role]
    });
    const choice: ModelChoice = {};
    const set = (role: keyof typeof places, path: string | undefined): void => {
        const options = model(path, role);
        if (Object.keys(options).length > 0) choice[role] = options;
    };
    if (trio !== undefined) choice.trio = trio;
    set("base", base);
    if (experts.length > 1) {
        choice.pairs = experts.map((path, index) => ({
            expert: model(path, "expert"),
            antiexpert: model(antiexperts[index], "antiexpert")
        }));
        return choice;
    }
    set("expert", experts[0]);
    set("antiexpert", antiexperts[0]);
    return choice;
}
