#!/usr/bin/env python3
"""What jinja2 makes of llama.cpp's chat templates, for test/unit/text/template-fixtures.test.ts.

Needs Debian's python3-jinja2 (3.1.2 or later):

    python3 scripts/template-fixtures.py TEMPLATES > test/support/template-fixtures.json

TEMPLATES is models/templates of llama.cpp's source (test/.cache/bundle-models/models/templates after a test run). The
environment is set up as transformers 5.24 does it (src/transformers/utils/chat_template_utils.py): sandboxed and immutable,
trim_blocks, lstrip_blocks, loopcontrols, and its globals and filters. The clock stands still.
"""

import hashlib
import json
import pathlib
import sys
from datetime import datetime

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

CONVERSATIONS = pathlib.Path(__file__).parent.parent / "test" / "support" / "conversations.json"
NOW = datetime(2026, 3, 5, 14, 7, 9)
LONGEST_TEXT = 600


class Generation(jinja2.ext.Extension):
    """{% generation %} marks what an assistant said and changes no text."""

    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


def outcome(template, variables):
    try:
        text = environment().from_string(template).render(**variables)
    except Exception as error:  # whatever a template runs into
        return {"error": f"{type(error).__name__}: {error}"[:200]}
    if len(text) <= LONGEST_TEXT:
        return {"text": text}
    return {"sha256": hashlib.sha256(text.encode()).hexdigest(), "length": len(text.encode())}


def main(folder):
    conversations = json.loads(CONVERSATIONS.read_text("utf-8"))
    templates = sorted(pathlib.Path(folder).glob("*.jinja"))
    made = {
        path.stem: {
            name: outcome(path.read_text("utf-8"), variables) for name, variables in conversations.items()
        }
        for path in templates
    }
    json.dump({"jinja2": jinja2.__version__, "templates": made}, sys.stdout, ensure_ascii=False, indent=1)
    print()


main(sys.argv[1])
