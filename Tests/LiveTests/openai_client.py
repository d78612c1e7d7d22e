"""Uses an OpenAI-compatible server through the `openai` package, as its users do. Says what failed; exits 1 then.

    openai_client.py BASE_URL MODEL
"""

import json
import sys
import traceback

import openai

CITY_TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Paris"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
QUESTION = [{"role": "user", "content": "How is the weather in Paris?"}]


def models(client, model):
    listed = [entry.id for entry in client.models.list()]
    assert model in listed, f"{model} is not among {listed}"


def chat(client, model):
    reply = client.chat.completions.create(model=model, messages=QUESTION, max_tokens=6)
    assert reply.choices[0].message.content, reply
    assert reply.choices[0].finish_reason == "length", reply
    assert reply.usage.completion_tokens == 6, reply


def stream(client, model):
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(
            model=model, messages=QUESTION, max_tokens=6, stream=True, stream_options=options))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    finishes = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
    usages = [chunk.usage for chunk in chunks if chunk.usage]
    assert text, chunks
    assert [finish for finish in finishes if finish] == ["length"], finishes
    assert usages and usages[-1].completion_tokens == 6, usages


def tools(client, model):
    # A made-up model calls no tool; that the question, a call in the history and its answer go through is what counts.
    reply = client.chat.completions.create(model=model, messages=QUESTION, tools=[CITY_TOOL], max_tokens=6)
    assert reply.choices[0].message.content, reply
    without = client.chat.completions.create(model=model, messages=QUESTION, max_tokens=6)
    assert reply.usage.prompt_tokens > without.usage.prompt_tokens + 20, "the tools did not reach the model"
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
    history = [
        *QUESTION,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain."},
    ]
    reply = client.chat.completions.create(model=model, messages=history, tools=[CITY_TOOL], max_tokens=6)
    assert reply.choices[0].message.content, reply


def structured(client, model):
    schema = {"name": "place", "schema": CITY_TOOL["function"]["parameters"]}
    reply = client.chat.completions.create(
        model=model, messages=QUESTION, max_tokens=100,
        response_format={"type": "json_schema", "json_schema": schema})
    assert json.loads(reply.choices[0].message.content) == {"city": "Paris"}, reply


def completion(client, model):
    reply = client.completions.create(model=model, prompt="def main", max_tokens=6)
    assert reply.choices[0].text, reply


def errors(client, model):
    try:
        client.chat.completions.create(model="there-is-no-such-model", messages=QUESTION)
    except openai.NotFoundError as error:
        assert error.body["message"], error.body
    else:
        raise AssertionError("an unknown model was answered")
    try:
        client.chat.completions.create(model=model, messages="no list")
    except openai.APIStatusError as error:
        assert 400 <= error.status_code < 600 and error.message, error
    else:
        raise AssertionError("messages that are no list were accepted")


def left_early(client, model):
    with client.chat.completions.create(
            model=model, messages=QUESTION, max_tokens=4000, stream=True) as chunks:
        for chunk in chunks:
            if chunk.choices and chunk.choices[0].delta.content:
                break
    chat(client, model)


def main():
    client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="none", timeout=60, max_retries=0)
    failures = 0
    for check in (models, chat, stream, tools, structured, completion, errors, left_early):
        try:
            check(client, sys.argv[2])
            print(f"ok      {check.__name__}", flush=True)
        except Exception:
            failures += 1
            print(f"FAILED  {check.__name__}", flush=True)
            traceback.print_exc(file=sys.stdout)
    sys.exit(1 if failures else 0)


main()
