"""The openai package for Python against a server: what goes wrong raises. Arguments: URL, key, how many texts by a schema."""
import json
import sys

import openai

url, key, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
model = "demo-chat"
messages = [{"role": "user", "content": "What is 12+5-3?"}]

assert [m.id for m in client.models.list()] == [model, f"{model}:base", f"{model}:expert"]

whole = client.chat.completions.create(model=model, messages=messages, seed=3, max_tokens=100)
text = ""
stream = client.chat.completions.create(
    model=model, messages=messages, seed=3, max_tokens=100, stream=True, stream_options={"include_usage": True}
)
usage = None
for chunk in stream:
    if chunk.choices:
        text += chunk.choices[0].delta.content or ""
    usage = chunk.usage or usage
assert text == whole.choices[0].message.content, (text, whole)
assert usage.completion_tokens == whole.usage.completion_tokens

with client.chat.completions.create(
    model=model, messages=messages, stream=True, max_tokens=1500, extra_body={"ignore_eos": True}
) as stream:
    for _, chunk in zip(range(3), stream):
        pass  # and goes away

options = dict(model=model, messages=messages, n=3, seed=5, max_tokens=60, logprobs=True, top_logprobs=2)
one, two = client.chat.completions.create(**options), client.chat.completions.create(**options)
assert [c.message.content for c in one.choices] == [c.message.content for c in two.choices]
for choice in one.choices:
    assert choice.message.content in "".join(t.token for t in choice.logprobs.content)
    assert all(t.logprob <= 0 and len(t.top_logprobs) <= 2 for t in choice.logprobs.content)

schema = {
    "type": "object",
    "properties": {"sum": {"type": "integer", "minimum": 0, "maximum": 999}, "sure": {"type": "boolean"}},
    "required": ["sum", "sure"],
    "additionalProperties": False,
}
for seed in range(count):
    made = client.chat.completions.create(
        model=model,
        messages=messages,
        seed=seed,
        max_tokens=400,
        response_format={"type": "json_schema", "json_schema": {"name": "sum", "strict": True, "schema": schema}},
    )
    value = json.loads(made.choices[0].message.content)
    assert sorted(value) == ["sum", "sure"] and 0 <= value["sum"] <= 999 and isinstance(value["sure"], bool), value

parameters = {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}
tools = [{"type": "function", "function": {"name": "compute", "description": "Works out a sum.", "parameters": parameters}}]
called = client.chat.completions.create(model=model, messages=messages, tools=tools, tool_choice="required", max_tokens=300)
message = called.choices[0].message
assert called.choices[0].finish_reason == "tool_calls", called
assert "expression" in json.loads(message.tool_calls[0].function.arguments)
answer = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "14"}
client.chat.completions.create(model=model, messages=[*messages, message, answer], tools=tools, max_tokens=100)

response = client.responses.create(model=model, input="What is 12+5-3?", temperature=0, max_output_tokens=100)
assert response.status == "completed" and response.output_text
with client.responses.stream(model=model, input="What is 12+5-3?", temperature=0, max_output_tokens=100) as stream:
    for event in stream:
        pass
    assert stream.get_final_response().output_text == response.output_text

for changes, kind in [
    (dict(model="nobody"), openai.NotFoundError),
    (dict(temperature="hot"), openai.BadRequestError),
    (dict(messages=[{"role": "user", "content": "1 " * 9000}]), openai.BadRequestError),
]:
    try:
        client.chat.completions.create(**{**dict(model=model, messages=messages), **changes})
    except kind:
        continue
    raise AssertionError(f"{changes} was taken")

print("all as it should be")
