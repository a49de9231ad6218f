import type { CommandDeclaration } from "../command.js";
import { bench } from "./bench.js";
import { build } from "./build.js";
import { chat } from "./chat.js";
import { check } from "./check.js";
import { completion } from "./completion.js";
import { demo } from "./demo.js";
import { devices } from "./devices.js";
import { evaluation } from "./eval.js";
import { explain } from "./explain.js";
import { generate } from "./generate.js";
import { grade } from "./grade.js";
import { graft } from "./graft.js";
import { lora } from "./lora.js";
import { man } from "./man.js";
import { models } from "./models.js";
import { perplexity } from "./perplexity.js";
import { plan } from "./plan.js";
import { pull } from "./pull.js";
import { quantize } from "./quantize.js";
import { score } from "./score.js";
import { serve } from "./serve.js";
import { trio } from "./trio.js";
import { trios } from "./trios.js";
import { worker } from "./worker.js";

/** All commands, in the order of help. */
export const commands: readonly CommandDeclaration[] = [
    generate,
    chat,
    explain,
    score,
    perplexity,
    serve,
    worker,
    bench,
    demo,
    models,
    pull,
    graft,
    quantize,
    trio,
    trios,
    check,
    plan,
    evaluation,
    grade,
    lora,
    devices,
    build,
    completion,
    man
];
