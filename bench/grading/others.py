"""What other graders say of labelled pairs: python others.py PAIRS.jsonl [UTILS.py] > VERDICTS.jsonl

PAIRS.jsonl has gold, answer and right on each line. Math-Verify must be installed; UTILS.py is lm-eval's
tasks/hendrycks_math/utils.py, which compares texts. Each line of the output has a verdict of each.
"""

import importlib.metadata
import importlib.util
import json
import sys
import types

from math_verify import parse, verify


def texts(path):
    """lm-eval's comparison of texts, from its file alone."""
    sys.modules.setdefault("datasets", types.ModuleType("datasets"))
    sys.modules["datasets"].Dataset = object
    spec = importlib.util.spec_from_file_location("hendrycks", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.is_equiv


def math_verify(gold, answer):
    wrapped = gold if "$" in gold or "\\boxed" in gold else f"${gold}$"
    try:
        return bool(verify(parse(wrapped, parsing_timeout=5), parse(f"\\boxed{{{answer}}}", parsing_timeout=5), timeout_seconds=5))
    except Exception:
        return False


is_equiv = texts(sys.argv[2]) if len(sys.argv) > 2 else None
print("math-verify", importlib.metadata.version("math-verify"), "sympy", importlib.metadata.version("sympy"), file=sys.stderr)
for line in open(sys.argv[1], encoding="utf-8"):
    pair = json.loads(line)
    pair["mathVerify"] = math_verify(pair["gold"], pair["answer"])
    if is_equiv is not None:
        pair["hendrycks"] = bool(is_equiv(pair["gold"], pair["answer"]))
    print(json.dumps(pair, ensure_ascii=False), flush=True)
