"""Config files that are no YAML, or not the YAML that was meant: the text, and what the message must say."""


def config(text: str | bytes):
    """A project whose config.yaml is this text."""
    return lambda project: project.texts.update({"config.yaml": text})


# As in mistakes.py.
IN_YAML = {
    name: (config(text), expected)
    for name, (text, expected) in {
        "tab": (
            "slides:\n\tsheet: slides.tsv\n",
            ["config.yaml, line 2, column 1: a tab indents '\\tsheet: slides.tsv'", "use spaces"],
        ),
        "tab below spaces": (
            "slides:\n  sheet: slides.tsv\n\tcases: a.tsv\n",
            ["config.yaml, line 3, column 1: a tab indents", "use spaces"],
        ),
        "no colon behind a section": (
            "slides\n  sheet: slides.tsv\n",
            ["config.yaml, line 1: no colon after the key: 'slides'", "write slides:"],
        ),
        "no colon behind a key": (
            "slides:\n  sheet slides.tsv\n  cases: a.tsv\n",
            ["config.yaml, line 2: no colon after the key: '  sheet slides.tsv'", "write sheet: slides.tsv"],
        ),
        "no space behind a colon": (
            "slides:\n  sheet:slides.tsv\n  cases: a.tsv\n",
            [
                "config.yaml, line 2, column 8: no space after the colon: '  sheet:slides.tsv'",
                "write sheet: slides.tsv",
            ],
        ),
        "no space after the only colon": (
            "slides:\n  sheet:slides.tsv\n",
            [
                "config, key slides: 'sheet:slides.tsv' is not a map of keys",
                "write `sheet: slides.tsv`, with a space",
            ],
        ),
        "equals sign": (
            "slides:\n  sheet = slides.tsv\n",
            ["config, key slides: 'sheet = slides.tsv' is not a map of keys", "write `sheet: slides.tsv`"],
        ),
        "indented too far": (
            "slides:\n  sheet: slides.tsv\n    cases: a.tsv\n",
            [
                "config.yaml, line 3: '    cases: a.tsv' is indented more than '  sheet: slides.tsv'",
                "in the same column",
            ],
        ),
        "indented too little": (
            "slides:\n    sheet: slides.tsv\n  cases: a.tsv\n",
            [
                "config.yaml, line 3: '  cases: a.tsv' begins after 2 spaces, and no key above it does",
                "after 0 or 4 spaces",
            ],
        ),
        "example below an empty map": (
            "tiles:\n  grids: {}\n    main: {patch_size: 256}\n",
            [
                "config.yaml, line 3: '    main: {patch_size: 256}' is below '  grids: {}'",
                "delete the {} behind grids:",
            ],
        ),
        "entry below an empty list": (
            "embed:\n  use: []\n    - mean\n",
            ["config.yaml, line 3: '    - mean' is below '  use: []'", "delete the [] behind use:"],
        ),
        "entry below a list in brackets": (
            "embed:\n  use: [mean]\n  - threads\n",
            [
                "config.yaml, line 3: '  - threads' is below a list that is complete",
                "into the brackets after use:",
            ],
        ),
        "no space behind dashes": (
            "embed:\n  use:\n    -mean\n    -threads\n",
            ["config, key embed/use: '-mean -threads' is not a list", "write a list: [mean, threads]"],
        ),
        "double quotes left open": (
            'slides:\n  sheet: "slides.tsv\n  cases: ""\n',
            ['config.yaml, line 2, column 10: the quotation mark " is not closed', 'put another " at the end'],
        ),
        "single quotes left open": (
            "slides:\n  sheet: 'slides.tsv\n",
            ["config.yaml, line 2, column 10: the quotation mark ' is not closed", "put another ' at the end"],
        ),
        "words behind quotes": (
            'slides:\n  sheet: "my" slides.tsv\n',
            [
                "config.yaml, line 2, column 15: 'slides.tsv' follows a value that has ended",
                "whole value in quotes",
            ],
        ),
        "bracket left open": (
            "embed:\n  use: [mean, threads\nprobe: {}\n",
            ["config.yaml, line 2, column 8: the bracket [ is not closed", "put ] at its end"],
        ),
        "brace left open": (
            "slides: {sheet: slides.tsv\nembed: {}\n",
            ["config.yaml, line 1, column 9: the bracket { is not closed", "put } at its end"],
        ),
        "brace too many": (
            "slides: {sheet: slides.tsv}}\n",
            ["config.yaml, line 1, column 28: '}' follows a value that has ended", "delete it"],
        ),
        "comma missing": (
            "slides: {sheet: slides.tsv cases: a.tsv}\n",
            ["config.yaml, line 1, column 33: a comma or closing bracket is missing before ': a.tsv}'", "put a comma"],
        ),
        "percent sign": (
            "slides:\n  sheet: %DATA%/slides.tsv\n",
            ["config.yaml, line 2, column 10: a value can't begin with % unless", "write '%DATA%/slides.tsv'"],
        ),
        "at sign": (
            "slides:\n  sheet: @slides.tsv\n",
            ["config.yaml, line 2, column 10: a value can't begin with @ unless", "write '@slides.tsv'"],
        ),
        "backtick": (
            "slides:\n  sheet: `slides.tsv`\n",
            ["config.yaml, line 2, column 10: a value can't begin with ` unless", "write '`slides.tsv`'"],
        ),
        "asterisk": (
            "slides:\n  sheet: *.tsv\n",
            ["config.yaml, line 2, column 10: a value can't begin with * unless", "write '*.tsv'"],
        ),
        "exclamation mark": (
            "slides:\n  sheet: !slides.tsv\n",
            ["config.yaml, line 2, column 10: a value can't begin with ! unless", "write '!slides.tsv'"],
        ),
        "second colon": (
            "slides:\n  sheet: data: slides.tsv\n",
            ["config.yaml, line 2, column 14: a second colon with a space after it", 'sheet: "data: slides.tsv"'],
        ),
        "path of Windows in double quotes": (
            'slides:\n  sheet: "C:\\data\\slides.tsv"\n',
            [
                "config.yaml, line 2, column 12: a backslash in double quotes begins a special character",
                "single quotes",
            ],
        ),
        "key twice": (
            "slides: {sheet: slides.tsv}\nembed: {}\nslides: {}\n",
            ["config.yaml, line 3: key 'slides' occurs twice", "keep one"],
        ),
        "two documents": (
            "slides: {sheet: slides.tsv}\n---\nembed: {}\n",
            ["config.yaml, line 2: --- begins a second document", "delete the line"],
        ),
        "no-break spaces": (
            "slides:\n\u00a0\u00a0sheet: slides.tsv\n",
            ["config.yaml, line 2: a character that only looks like a space (U+00A0) indents", "type the spaces again"],
        ),
        "control character": (
            "slides:\n  sheet: slides\x01.tsv\n",
            ["config.yaml, line 2: a character that can't be printed: '  sheet: slides\\x01.tsv'", "delete it"],
        ),
        "words behind a bar": (
            "slides:\n  sheet: | slides.tsv\n",
            ["config.yaml, line 2, column 12: words behind | or >", "begin the text in the next line"],
        ),
        "UTF-16": (
            "slides: {}\n".encode("utf-16"),
            ["config.yaml: this is text in UTF-16", "save it in UTF-8 (iconv -f UTF-16 -t UTF-8)"],
        ),
        "Latin-1": (
            "slides:\n  sheet: Präparate.tsv\n".encode("latin-1"),
            ["config.yaml, line 2: byte 0xe4 is no UTF-8 (in Windows-1252 it is 'ä')", "save the file in UTF-8"],
        ),
        "workbook": (
            b"PK\x03\x04[Content_Types].xml xl/workbook.xml",
            ["config.yaml: this is an Excel workbook (xlsx)", "write it in a text editor"],
        ),
        "JSON with an unknown key": (
            '{\n\t"slides": {"shet": "slides.tsv"}\n}\n',
            ["config, key slides: unknown key 'shet'", "did you mean 'sheet'? known keys"],
        ),
        "list at the top": (
            "- slides\n- tiles\n",
            ["config.yaml: \"['slides', 'tiles']\" is no map of keys", "write a section per stage"],
        ),
    }.items()
}
