"""lm-evaluation-harness against a server. Arguments: URL, key, folder with tasks and tokenizer. Prints what each sample was given, as JSON."""
import json
import os
import sys

url, key, folder = sys.argv[1:]
os.environ["OPENAI_API_KEY"] = key
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_OFFLINE="1")

import lm_eval  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402

manager = TaskManager(include_path=folder, include_defaults=False)


def run(model, task, path, **more):
    args = {"model": "demo-chat", "base_url": f"{url}{path}", "num_concurrent": 2, "max_retries": 1, **more}
    chat = model == "local-chat-completions"
    made = lm_eval.simple_evaluate(
        model=model, model_args=args, tasks=[task], task_manager=manager, apply_chat_template=chat, bootstrap_iters=0
    )
    return {"results": made["results"][task], "samples": made["samples"][task]}


choices = run("local-completions", "rast_choices", "/v1/completions", tokenizer=folder, tokenizer_backend="huggingface")
answers = run("local-chat-completions", "rast_answers", "/v1/chat/completions", tokenizer_backend=None)
print(
    json.dumps(
        {
            "accuracy": choices["results"]["acc,none"],
            "logprobs": [[float(r[0]) for r in s["filtered_resps"]] for s in choices["samples"]],
            "answers": [s["resps"][0][0] for s in answers["samples"]],
            "exact": answers["results"]["exact_match,none"],
        }
    )
)
