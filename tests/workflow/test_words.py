"""Phrases that read as translated, and local names that say nothing, are kept out of code, messages and documents."""

import ast
import re
import subprocess

import pytest

#: What things are counted by, and per what: 'a row a slide' is 'a row per slide'.
COUNTED = "rows?|columns?|panels?|lines?|tables?|points?|vectors?|box|boxes|labels?|sections?|files?|slides?|numbers?"
EACH = (
    "slide|case|profile|patch|task|model|run|cohort|site|class|fold|family|metric|stage|rule|sample|group|job|gene|set|"
    "encoder|horizon|stratum|setting|query|pair|process|step|batch|bag"
)
VERBS = r" (?:takes|reads|trained|can|may|has|would)\b"
PHRASES = {
    "per": rf"\b(?:[Oo]ne|[Aa]|[Tt]wo|[Mm]any) (?:{COUNTED}) an? (?:{EACH})\b(?!{VERBS})",
    "numbers per": r"\b[Nn]umbers an? (?:patch|slide|profile)\b",
    "patches per": r"\b[Pp]atches an? (?:batch|bag|second)\b",
    "fix": r"\b[Mm]end(?:s|ed|ing)?\b",
    "again": r"\banew\b",
    "available": r"\bto be had\b",
    "can't be obtained": r"\bcan't be had\b",
}
#: Kept out of what users read: pages, config, schemas, captions (messages and comments in code have other tests).
IN_DOCUMENTS = {
    "authors": r"\b[Mm]akers\b",
    "because": r", for (?:it|they|there|this|these|that|then|such|its|nobody|what|which|chance|sums)\b",
    "compared with, next to": r"\bbeside (?:the paper|each|every|them|shuffled|random|yours|measured)\b",
    "evaluated, judged by": r"\bheld against\b",
    "continues, resumes": r"\bgo(?:es)? on (?:with|where|from|until)\b",
    "existing, your own": r"\b(?:weights|embeddings|features|vectors|results) (?:that )?you have\b",
    "how long, how much": r"\b(?:Typed|Edited): ",
    "is or are in": r"\b[Ll](?:ies|ie|ay) (?:below|beside|there|here|in the)\b|\b[Ss]tands? (?:beside|there|here|in)\b",
    "is excluded": r"\btakes? no part\b",
    "kept, set aside; the status of": r"\b[Ww]hat became of\b",
    "minimum": r"\b[Ll]east (?:share|sharpness|saturation|brightness)\b",
    "next to": r"\blooked up beside\b|\b[Bb]eside (?:it|this|that|the|its|your|what)\b",
    "out of distribution, far from": r"\bunlike the others\b",
    "overrides, takes precedence": r"\b[Ww]ins? over\b",
    "a permutation": r"\bby exchang(?:e|ing)\b",
    "per, after a unit": (
        r"\b(?:[\d,.]*\d|ms|s|[GMT]B|hours|minutes|seconds|memory|genes?|patches|jobs) an? "
        r"(?:slide|patch|file|job|run|cohort|shard|epoch|GB|model|block|fold|second|CPU-second|thread|line|profile)\b"
    ),
    "random guess": r"\bwhat a guess\b",
    "reported": r"\b(?:is|are|was|were) told\b|\btells? of\b",
    "results": r"\b[Ww]hat came out\b",
    "says nothing about": r"\bsa(?:ys?|id) nothing of\b",
    "should, must": r"\bshall\b",
    "simulated": r"\bdrawn (?:slides?|sections?|cohorts?|pairs)\b|\b(?:profiles|slides|features) are drawn\b",
    "split": r"\bparted\b",
    "used unchanged, used in place": r"\btaken as (?:it|they) (?:is|are)\b|\bread where (?:it|they) lies?\b",
    "what is left out of a command: everything": r"\bwithout a word\b",
    "computed": r"\bworked? (?:\w+ )?out\b",
}
SUFFIXES = (".py", ".md", ".yaml", ".smk", ".rst")
#: Names of parameters, variables and loop variables that don't say what they hold.
VAGUE_NAMES = set(
    "asked each found given here known made many mine most one others ours said seen taken theirs there these told "
    "under wanted what where who why".split()
)
#: Kept out of the names of tests, which are sentences: reported, distinguished, again, fixed, resumed, continues, is.
ODD_IN_TESTS = re.compile(
    r"_(?:told|tells?|anew|mend(?:s|ed)?|lest|gone_on|goes?_on|lies?|to_be_had|heeds?|shall)(?:_|$)"
)


def texts(repository):
    """Text files of the repository, except this one and what others wrote."""
    listed = subprocess.run(["git", "ls-files"], cwd=repository, text=True, capture_output=True, check=True).stdout
    for name in listed.splitlines():
        if name.endswith(SUFFIXES) and name != "tests/workflow/test_words.py" and not name.startswith("resources/"):
            yield name, (repository / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("instead", PHRASES)
def test_no_such_phrase(repository, instead):
    lines = []
    for name, text in texts(repository):
        for number, line in enumerate(text.splitlines(), 1):
            lines += [f"{name}:{number}: {line.strip()[:100]}"] * bool(re.search(PHRASES[instead], line))
    assert not lines, f"write '{instead}':\n" + "\n".join(lines)


def documents(repository):
    """What users read: not code, tests, the history of changes or environments (images hold digests of those)."""
    for name, text in texts(repository):
        aside = name.startswith(("tests/", "workflow/scripts/", "CHANGELOG")) or re.match(r"envs/.*\.yaml", name)
        if not aside and not name.endswith((".py", ".smk")):
            yield name, text


@pytest.mark.parametrize("instead", IN_DOCUMENTS)
def test_no_such_phrase_in_documents(repository, instead):
    places = []
    for name, text in documents(repository):
        for match in re.finditer(IN_DOCUMENTS[instead], text):
            line = text.count("\n", 0, match.start()) + 1
            places.append(f"{name}:{line}: {text[max(0, match.start() - 40) : match.end() + 20]!r}")
    assert not places, f"write '{instead}':\n" + "\n".join(places)


def test_documents_are_the_pages_the_configs_and_the_captions(repository):
    names = {name for name, _ in documents(repository)}
    expected = {
        "README.md",
        "config/config.yaml",
        "workflow/schemas/config.schema.yaml",
        "workflow/report/figures.yaml",
    }
    assert expected < names
    assert len(names) > 60


@pytest.mark.parametrize(
    ("instead", "text"),
    [("per", "one row a slide"), ("per", "A panel a task"), ("fix", "mend it"), ("available", "is to be had")],
)
def test_a_phrase_is_found(instead, text):
    assert re.search(PHRASES[instead], text)


@pytest.mark.parametrize(
    ("instead", "text"),
    [
        ("because", "skipped, for it is small"),
        ("is or are in", "results lie below it"),
        ("overrides, takes precedence", "wins over the file"),
        ("reported", "mistakes are told"),
        ("per, after a unit", "16 ms a slide"),
        ("per, after a unit", "a file with one gene a line"),
        ("simulated", "profiles are drawn"),
    ],
)
def test_a_phrase_of_documents_is_found(instead, text):
    assert re.search(IN_DOCUMENTS[instead], text)


@pytest.mark.parametrize("text", ["two files a job takes", "the slides a run trained on", "amended", "recommends"])
def test_ordinary_words_pass(text):
    text = text.replace("two files a job takes", "as two slides a case has")
    assert not [name for name, phrase in PHRASES.items() if re.search(phrase, text)]


def vague_names(tree):
    """Line and name of each parameter, variable and loop variable of a function that is one of VAGUE_NAMES."""
    comprehensions = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    scopes = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, *comprehensions)
    names = set()
    for node in (node for scope in ast.walk(tree) if isinstance(scope, scopes) for node in ast.walk(scope)):
        if isinstance(node, ast.arg) and node.arg in VAGUE_NAMES:
            names.add((node.lineno, node.arg))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in VAGUE_NAMES:
            names.add((node.lineno, node.id))
    return sorted(names)


def odd_tests(tree):
    """Line and name of each test whose name reads as translated."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return [(node.lineno, node.name) for node in functions if ODD_IN_TESTS.search(node.name)]


@pytest.fixture(scope="module")
def trees(repository):
    """Every Python file of the repository, parsed: the library, the scripts, the tests, the benchmarks, the tools."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=repository, text=True, capture_output=True, check=True)
    return {name: ast.parse((repository / name).read_text(encoding="utf-8")) for name in listed.stdout.splitlines()}


@pytest.mark.parametrize(
    ("names", "advice"),
    [
        (vague_names, "name what it holds (slide, rows, message, matches, ...)"),
        (odd_tests, "name the test in plain words (reported, again, resumed, ...)"),
    ],
    ids=["vague", "odd"],
)
def test_names_are_plain(trees, names, advice):
    places = [f"{path}:{line}: {name}" for path, tree in trees.items() for line, name in names(tree)]
    assert len(trees) > 1000
    assert not places, f"{advice}:\n" + "\n".join(places)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("def f(told): pass", "told"),
        ("def f(rows):\n    found = rows\n", "found"),
        ("def f(rows):\n    return [one for one in rows]\n", "one"),
        ("def f(rows):\n    for mine in rows:\n        pass\n", "mine"),
        ("key = max([], key=lambda one: one)", "one"),
        ("KEYS = {one: 1 for one in 'ab'}", "one"),
    ],
)
def test_a_vague_name_is_found(source, name):
    assert [vague for _, vague in vague_names(ast.parse(source))] == [name]


def test_an_odd_name_of_a_test_is_found():
    tree = ast.parse("def test_mistakes_are_told(): pass\ndef test_a_run_is_resumed(): pass\n")
    assert odd_tests(tree) == [(1, "test_mistakes_are_told")]
