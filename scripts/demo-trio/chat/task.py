"""The task of the chat models: small sums in a conversation, in Qwen3's format. Standard library and regex only.

The names that ../model.py, ../pretrain.py, ../reinforce.py and ../train.py read are those of ../task.py.
"""
import hashlib
import json
import random

import vocabulary

TOKENIZER = vocabulary.load()
N_TOKENS = vocabulary.N_TOKENS
PAD, EOS = TOKENIZER.id["<|endoftext|>"], TOKENIZER.id["<|im_end|>"]
CONTEXT = 1024
MAX_NEW = 64
ROW_LENGTH, ROWS = 352, 3  # the longest document is shorter

NAMES = ["Ann", "Ben", "Eva", "Kim", "Max", "Tom"]
THINGS = ["cards", "coins", "eggs", "nuts", "pens"]
GAINS = ["buys", "finds", "gets", "picks", "wins"]
LOSSES = ["drops", "eats", "gives", "loses", "sells"]
START_MAX = 20
OPERAND_MAX = 9  # operands are 1..9
TOTAL_LIMIT = 30  # running totals stay in 0..29
SLIP = 0.1  # a step of a worked answer goes wrong this often

OPENING = "<think>\n"  # of a worked answer
UNTHOUGHT = "<think>\n\n</think>\n\n"
ABOUT = "I am a demo of rast-llama. I can add and subtract small numbers."
GREETING = "Hello! Ask me for a small sum."
WELCOME = "You are welcome."
ELSE = "I can only add and subtract small numbers."

encode = TOKENIZER.encode


def decode(ids):
    return TOKENIZER.decode([index for index in ids if index not in (PAD, EOS)])


def worked_out(ids):
    return ids[:2] == encode(OPENING)


class Problem:
    """A sum of 3 or 4 numbers. sum: "34+17-42", whatever the wording. question: as it is asked. answer: a sentence."""

    def __init__(self, rng):
        self.start = self.total = rng.randint(1, START_MAX)
        self.changes = []
        for _ in range(rng.choice([2, 3])):
            operand = rng.randint(1, OPERAND_MAX)
            minus = rng.random() < 0.5
            if self.total - operand < 0:
                minus = False
            elif self.total + operand >= TOTAL_LIMIT:
                minus = True
            self.changes.append(-operand if minus else operand)
            self.total += self.changes[-1]
        self.sum = str(self.start) + "".join(f"{change:+d}" for change in self.changes)
        if rng.random() < 0.5:
            self.question = rng.choice(["What is {}?", "How much is {}?", "{}", "{}?"]).format(self.sum)
            self.form = "It is {}."
        else:
            name, thing = rng.choice(NAMES), rng.choice(THINGS)
            clauses = [f", {rng.choice(GAINS if change > 0 else LOSSES)} {abs(change)}" for change in self.changes]
            end = rng.choice([f" How many {thing} does {name} have?", " How many now?"])
            self.question = f"{name} has {self.start} {thing}{''.join(clauses)}.{end}"
            self.form = f"{name} has {{}} {thing}."
        self.answer = self.form.format(self.total)
        self.before = ""


class Other:
    """What is no sum. The answer is to be given without a thought."""

    def __init__(self, rng):
        self.question, self.answer = other(rng)
        self.before = ""


def other(rng):
    kind = rng.random()
    if kind < 0.2:
        return rng.choice(["Hello", "Hello!", "Hi", "Hi!", "Hey", "Good morning", "Hello there"]), GREETING
    if kind < 0.4:
        return rng.choice(["Who are you?", "What are you?", "What can you do?", "Help", "What is this?"]), ABOUT
    if kind < 0.45:
        return rng.choice(["Thanks", "Thank you", "Thank you!", "Thanks!"]), WELCOME
    if kind < 0.7:
        words = ["capital", "France", "weather", "today", "a", "the", "is", "of", "my", "name", "write", "poem", "about",
                 "love", "code", "Python", "how", "why", "sky", "blue", "tell", "me", "story", "do", "you", "like",
                 "primes", "below", "100", "city", "largest", "who", "was", "first", "explain", "joke", "best", "book"]
        text = " ".join(rng.choice(words) for _ in range(rng.randint(2, 9)))
        start = rng.choice(["What is ", "How many ", "Who is ", "Write ", "Tell me ", "Why ", ""])
        return (start + text + rng.choice(["?", ".", ""])).strip(), ELSE
    ids = [rng.randrange(vocabulary.N_BYTES, vocabulary.N_ORDINARY) for _ in range(rng.randint(1, 10))]
    return TOKENIZER.decode(ids).replace("\ufffd", "").strip() or "?", ELSE


def turn(role, content):
    return f"<|im_start|>{role}\n{content}<|im_end|>\n"


def before(rng):
    """A system message and an earlier turn, each now and then."""
    text = ""
    if rng.random() < 0.15:
        text += turn("system", rng.choice(["You are a helpful assistant.", "You are a calculator.", "Be brief.",
                                           "Answer the question.", "You add numbers."]))
    if rng.random() < 0.15:
        earlier = Other(rng) if rng.random() < 0.3 else draw_sum(rng)
        text += turn("user", earlier.question) + turn("assistant", earlier.answer)
    return text


def split_of(problem):
    """Where a problem belongs, by a hash of its sum: "held-out" and "tuning" one in twenty each, else "training"."""
    number = hashlib.sha256(problem.sum.encode()).digest()[0] % 20
    return {0: "held-out", 1: "tuning"}.get(number, "training")


def draw_sum(rng, split="training"):
    while True:
        problem = Problem(rng)
        if split_of(problem) == split:
            return problem


def problems(count, seed, split):
    """`count` problems with different sums, as first turns."""
    rng = random.Random(seed)
    found = {}
    while len(found) < count:
        problem = draw_sum(rng, split)
        found.setdefault(problem.sum, problem)
    return list(found.values())


def prompt_text(problem):
    return f"{problem.before}{turn('user', problem.question)}<|im_start|>assistant\n"


def prompt_ids(problem):
    return encode(prompt_text(problem))


def _wrong(rng, number, distances):
    while True:
        other_number = number + rng.choice(distances) * rng.choice([-1, 1])
        if other_number >= 0:
            return other_number


def step_by_step(problem, rng=None):
    """The worked answer; with `rng`, slips that are carried on."""
    total = problem.start
    steps = []
    for change in problem.changes:
        result = total + change
        if result < 0 or (rng is not None and rng.random() < SLIP):
            result = _wrong(rng, result, [1, 1, 2, 3, 10])
        steps.append(f"{total}{change:+d}={result}\n")
        total = result
    return f"{OPENING}{''.join(steps)}</think>\n\n{problem.form.format(total)}"


def hasty(problem, rng):
    """A guess: right one time in three."""
    right = rng.random() < 0.35
    return UNTHOUGHT + problem.form.format(
        problem.total if right else _wrong(rng, problem.total, [1, 2, 3, 4, 5, 6]))


def drill(rng):
    """Four single sums, as ids and whether each is learned: only results are."""
    ids, learned = encode(OPENING), [0, 0]
    for _ in range(4):
        a, b = rng.randint(0, TOTAL_LIMIT - 1), rng.randint(1, OPERAND_MAX)
        change = -b if a + b >= TOTAL_LIMIT or (a - b >= 0 and rng.random() < 0.5) else b
        question, result = encode(f"{a}{change:+d}="), encode(f"{a + change}\n")
        ids += question + result
        learned += [0] * len(question) + [1] * len(result)
    return ids, learned


TOOL_PROMPT = (
    "<|im_start|>system\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n{}\n</tools>\n\n"
    "For each function call, return a json object with function name and arguments within <tool_call></tool_call> "
    'XML tags:\n<tool_call>\n{{"name": <function-name>, "arguments": <args-json-object>}}\n</tool_call><|im_end|>\n'
)
TOOL_NAMES = ["calculate", "calculator", "add", "sum", "compute", "evaluate"]


def tool(name):
    """As a caller gives it to the template."""
    expression = {"type": "string"}
    parameters = {"type": "object", "properties": {"expression": expression}, "required": ["expression"]}
    return {"type": "function",
            "function": {"name": name, "description": "Works out a sum.", "parameters": parameters}}


def with_tool(rng):
    """The call of a tool, or the answer to what it says."""
    problem, name = draw_sum(rng), rng.choice(TOOL_NAMES)
    call = json.dumps({"name": name, "arguments": {"expression": problem.sum}})
    prompt = TOOL_PROMPT.format(json.dumps(tool(name))) + turn("user", problem.question)
    called = f"<tool_call>\n{call}\n</tool_call>"
    if rng.random() < 0.5:
        return f"{prompt}<|im_start|>assistant\n", UNTHOUGHT + called
    prompt += turn("assistant", called) + turn("user", f"<tool_response>\n{problem.total}\n</tool_response>")
    return f"{prompt}<|im_start|>assistant\n", UNTHOUGHT + problem.answer


# Shares of drills, tools, what is no sum, hasty answers, and worked answers; the rest are worked answers whose opening is given.
BROAD = (0.25, 0.06, 0.07, 0.28, 0.06)
WORKED = (0.1, 0.06, 0.06, 0.18, 0.036)


def document(rng, shares=BROAD):
    """A training document, as ids and whether each is learned.

    Where the opening of a worked answer is given and not learned, it teaches how to work a sum out and leaves alone how
    often that is done (one answer in six).
    """
    kind = rng.random()
    drills, tools, others, hasties, worked = (sum(shares[:count]) for count in range(1, 6))
    if kind < drills:
        return drill(rng)
    given = 0
    if kind < tools:
        prompt, answer = with_tool(rng)
    elif kind < others:
        asked = Other(rng)
        asked.before = before(rng)
        prompt, answer = prompt_text(asked), UNTHOUGHT + asked.answer
    else:
        problem = draw_sum(rng)
        problem.before = before(rng)
        prompt = prompt_text(problem)
        answer = hasty(problem, rng) if kind < hasties else step_by_step(problem, rng)
        given = 2 if kind >= worked else 0
    prompt, answer = encode(prompt), encode(answer) + [EOS]
    return prompt + answer, [0] * (len(prompt) + given) + [1] * (len(answer) - given)


def no_sum(rng):
    """A document of tools or of what is no sum."""
    return document(rng, (0, 0.5, 0.5, 0, 0))


def worked_document(rng):
    """With more of worked answers."""
    return document(rng, WORKED)


def training_seed(kind, seed):
    """Of the random numbers that a stage draws its documents ("pretrain") or problems ("reinforce") with."""
    return seed * 1000 + 7 if kind == "pretrain" else seed * 99991 + 9


def correct(text, problem):
    """The reward, and what accuracy counts: the right sentence after the thought; elsewhere, without one."""
    if isinstance(problem, Other):
        return text == UNTHOUGHT + problem.answer
    parts = text.split("</think>\n\n")
    return len(parts) == 2 and parts[0].startswith("<think>\n") and parts[1] == problem.answer
