#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { packageVersion } from "../package-root.js";
import { assertUtf8, readCommandLine } from "./arguments.js";
import { exitCodes, reportError, watchOutput } from "./output.js";

/** Builds the command line; each command imports what it needs when it runs. */
export function buildProgram(): Command {
    const program = new Command("rast")
        .description("Quantized RAST: a large base model with the reasoning that training gave a small one.")
        .version(packageVersion(), "-V, --version", "print the version")
        .option("--debug", "print stack traces, and llama.cpp's log")
        .configureOutput({
            outputError: (text, write) =>
                write(
                    `rast: ${text
                        .trim()
                        .replace(/^error: /, "")
                        .replace(/\s*\n\s*/g, " ")}\n`
                )
        })
        .exitOverride()
        .showSuggestionAfterError(true)
        // Or the program would take a --debug that is the value of a command's own option.
        .enablePositionalOptions();
    addGenerate(program);
    addBench(program);
    program
        .command("demo")
        .description("solve small sums with a bundled trio: side by side, then accuracies")
        .option("--trio <name>", "demo, demo-seed2 or demo-strong (default demo)")
        .option("--problems <integer>", "held-out problems to solve, at most 1000 (default 200)")
        .option("--seed <integer>", "of all draws (default 1)")
        .option("--json", "print one JSON object with the accuracies")
        .action(async (options: Record<string, unknown>) => (await import("./commands/demo.js")).runDemo(options));
    program
        .command("devices")
        .description("list backends and devices, and say what was loaded and why")
        .option("--json", "print one JSON object")
        .action(async (options: { json?: boolean }) => (await import("./commands/devices.js")).runDevices(options));
    program
        .command("build")
        .description("compile the addon where no prebuilt one fits")
        .action(async () => (await import("./commands/build.js")).runBuild());
    for (const command of program.commands) command.option("--debug", "print stack traces, and llama.cpp's log");
    return program;
}

function addGenerate(program: Command): void {
    const repeat = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];
    program
        .command("generate")
        .description("generate text from a prompt, or from standard input")
        .argument("[prompt]", "text to continue; - or nothing reads standard input")
        .option("--trio <name|file>", "a bundled trio, or a trio file (JSON)")
        .option("--base <file>", "the large model (GGUF)")
        .option("--expert <file>", "the small model after reinforcement learning; repeat for further pairs", repeat)
        .option("--antiexpert <file>", "the same small model before it; repeat for further pairs", repeat)
        .option("--lambda <number>", "strength of the delta, -10 to 10; repeat for further pairs", repeat)
        .option("--mode <mode>", "rast, base or expert")
        .option("--temperature <number>", "0 = greedy (default 1)")
        .option("--top-k <number>", "keep the k likeliest tokens, 0 = all (default 0)")
        .option("--top-p <number>", "keep the likeliest tokens up to this mass (default 0.95)")
        .option("--min-p <number>", "keep tokens at least this likely, relative to the likeliest (default 0)")
        .option("--repetition-penalty <number>", "divide or multiply logits of recent tokens (default 1)")
        .option("--presence-penalty <number>", "subtract from logits of recent tokens (default 0)")
        .option("--frequency-penalty <number>", "the same, for each occurrence (default 0)")
        .option("--penalty-window <number>", "recent tokens that penalties look at, -1 = all (default 64)")
        .option("--logit-bias <id=value>", "add to the logit of a token, -Infinity bans it; repeatable", repeat)
        .option("--seed <integer>", "for the same draws again (default random)")
        .option("--ordinal <integer>", "which of several samples of one seed (default 0)")
        .option("--max-tokens <integer>", "most tokens to draw (default: until the context is full)")
        .option("--stop <text>", "end before this text; \\n and \\t are understood; repeatable", repeat)
        .option("--ignore-eos", "go on after the model's end of text")
        .option("--logprobs <integer>", "report log-probabilities with this many alternatives (with --json)")
        .option("--samples <integer>", "this many texts of one prompt, which is decoded once (default 1)")
        .option("--parallel <integer>", "texts generated together (default: as many as samples, at most 16)")
        .option("--grammar <file>", "a GBNF grammar that the text must follow")
        .option("--json-schema <file>", "a JSON schema that the text must follow")
        .option("--load-state <file>", "begin with what --save-state wrote")
        .option("--save-state <file>", "afterwards write what the models know of the prompt")
        .option("--raw", "leave out the trio's prompt template")
        .option("--chat", "write the prompt out with the base model's chat template")
        .option("--system <text>", "system message; implies --chat")
        .option("--context-size <integer>", "tokens of context (default 4096)")
        .option("--cache-size <integer>", "tokens of context of all texts together (default: context size each)")
        .option("--batch-size <integer>", "tokens per prefill step (default 512)")
        .option("--gpu-layers <auto|integer>", "layers on the GPU (default auto)")
        .option("--base-gpu-layers <auto|integer>", "the same, for the base alone")
        .option("--expert-gpu-layers <auto|integer>", "the same, for the experts")
        .option("--antiexpert-gpu-layers <auto|integer>", "the same, for the antiexperts")
        .option("--device <name>", "device to use, as `rast devices` names it; repeatable; cpu = none", repeat)
        .option("--base-device <name>", "the same, for the base alone; repeatable", repeat)
        .option("--expert-device <name>", "the same, for the experts; repeatable", repeat)
        .option("--antiexpert-device <name>", "the same, for the antiexperts; repeatable", repeat)
        .option("--threads <integer>", "CPU threads (default: physical cores)")
        .option("--kv-type <type>", "f16, q8_0, ...: type of the KV cache (default f16)")
        .option("--flash-attention <auto|on|off>", "(default auto)")
        .option("--no-mmap", "read weights instead of mapping them")
        .option("--mlock", "keep weights from being swapped out")
        .option("--sampler <auto|device|host>", "where tokens are drawn (default auto)")
        .option("--draft <auto|off|integer>", "tokens the expert drafts per round (default auto)")
        .option("--isolate", "run llama.cpp in a process of its own")
        .option("--no-try-models", "do not try unknown models in a process of their own first")
        .option("--json", "print one JSON object with the whole result")
        .option("--quiet", "no line of figures")
        .action(async (prompt: string | undefined, options: Record<string, unknown>) =>
            (await import("./commands/generate.js")).runGenerate(prompt, options)
        );
}

function addBench(program: Command): void {
    const repeat = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];
    program
        .command("bench")
        .description("measure tokens per second; or show or compare records of it")
        .argument("[record...]", "a record to show in another format, or two with --compare")
        .option("--trio <name|file>", "a bundled trio, or a trio file (JSON)")
        .option("--base <file>", "the large model (GGUF); alone, it is measured as a plain model")
        .option("--expert <file>", "the small model after reinforcement learning", repeat)
        .option("--antiexpert <file>", "the same small model before it", repeat)
        .option("--mode <list>", "base, host, device, draft (default base,device,draft)")
        .option("--peer <list>", "rivals to measure in the same run: node-llama-cpp")
        .option("-p, --prompt <list>", "tokens of prompts to decode, 0 = none (default 512)")
        .option("-n, --generate <list>", "tokens to generate, 0 = none (default 128)")
        .option("-d, --depth <list>", "tokens in the context before (default 0)")
        .option("-s, --sequences <list>", "generations that run together (default 1)")
        .option("-t, --threads <list>", "CPU threads (default: physical cores)")
        .option("-g, --gpu-layers <list>", "layers on the GPU, or auto (default auto)")
        .option("--kv-type <list>", "f16, q8_0, ...: type of the KV cache (default f16)")
        .option("--lambda <list>", "strength of the delta (default: the trio's, else 1)")
        .option("--temperature <list>", "0 = greedy (default 1)")
        .option("--top-p <number>", "keep the likeliest tokens up to this mass (default 0.95)")
        .option("-r, --repetitions <integer>", "measurements of every row (default 5)")
        .option("--batch-size <integer>", "tokens per prefill step (default 512)")
        .option("--device <name>", "device to use, as `rast devices` names it; repeatable; cpu = none", repeat)
        .option("--flash-attention <auto|on|off>", "(default auto)")
        .option("--no-mmap", "read weights instead of mapping them")
        .option("--no-ideal", "leave out the yardstick: bare decodes beside every sample")
        .option("--prompt-file <file>", "take prompts from this text instead of random tokens")
        .option("--seed <integer>", "of all draws (default 1)")
        .option("-o, --format <md|csv|json|jsonl>", "how to print the record (default md)")
        .option("--output <file>", "print to a file instead of stdout")
        .option("--html <file>", "write a page with plots as well")
        .option("--compare", "print two records side by side, with ratios")
        .action(async (records: string[], options: Record<string, unknown>) =>
            (await import("./commands/bench.js")).runBenchCommand(records, options)
        );
}

/** Runs the command line. @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
    watchOutput();
    let debug = false;
    try {
        assertUtf8(args, await readCommandLine());
        const program = buildProgram().hook("preAction", (_, command) => {
            debug = command.optsWithGlobals()["debug"] === true;
            if (debug) process.env["RAST_LOG"] ??= "1";
        });
        if (args.every((arg) => arg === "--debug")) {
            program.outputHelp({ error: true });
            return exitCodes.misuse;
        }
        await program.parseAsync(args, { from: "user" });
        return typeof process.exitCode === "number" ? process.exitCode : exitCodes.ok;
    } catch (error) {
        if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.misuse;
        return reportError(error, debug);
    }
}

process.exitCode = await main(process.argv.slice(2));
