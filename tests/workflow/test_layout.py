"""The repository is laid out as its readers expect: one direction of imports, rules that look alike, equal pins."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

STAGES = ["slides", "tissue", "tiles", "features", "omics", "pretrain", "embed", "probe"]
#: What packages around the stages may import in addition to the stages and themselves.
AROUND = {
    "acquire": set(),
    "demo": set(),
    "tables": set(),
    "figures": {"tables"},
    "interpret": {"tables", "figures"},
    "predict": {"tables", "figures", "interpret"},
    "provenance": {"tables"},
    "export": {"provenance"},
    "preflight": {"tables"},
    "init": {"study", "acquire", "preflight"},
}
# Of the report; its menu sorts them.
CHAPTERS = [
    *(
        "0 Demo",
        "1 Slides",
        "2 Omics",
        "3 Pretraining",
        "4 Embeddings",
        "5 Probes",
        "6 Protocols",
        "7 Attention",
        "8 Genes",
    ),
    "9 Predictions",
    "Run",
]


def library(repository: Path) -> Path:
    return repository / "workflow/scripts/molpath"


def imported_files(path: Path, root: Path) -> set[Path]:
    """Files of the library that a file imports, at its top or inside a function."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1] / (node.module or "").replace(".", "/")
            for place in (base, *(base / alias.name for alias in node.names)):
                candidates = place.with_suffix(".py"), place / "__init__.py"
                imported |= {candidate for candidate in candidates if candidate.is_file() and candidate.parent != root}
    return imported


def circles(imports: dict[Path, set[Path]]) -> list[list[Path]]:
    """Ways from a file over its imports back to itself, each once."""
    cycles, done = [], set()

    def follow(path: Path, way: list[Path]) -> None:
        if path in way:
            cycles.append(way[way.index(path) :])
        elif path not in done:
            for other in sorted(imports[path]):
                follow(other, [*way, path])
            done.add(path)

    for path in sorted(imports):
        follow(path, [])
    return cycles


def test_list_of_library_files_is_complete(repository):
    root = library(repository)
    listed = yaml.safe_load((root / "files.yaml").read_text())
    files = [*root.rglob("*.py"), *(path for path in root.rglob("*.yaml") if path.parent != root)]
    assert listed == sorted(path.relative_to(root).as_posix() for path in files)


def test_data_flows_one_way(repository):
    root = library(repository)
    for path in sorted(root.rglob("*.py")):
        package = path.relative_to(root).parts[0]
        allowed = {"common"}
        if package in STAGES:
            allowed |= set(STAGES[: STAGES.index(package) + 1])
        elif package == "study":
            allowed |= {"study"}
        elif package in AROUND:
            allowed |= set(STAGES) | {package} | AROUND[package]
        else:
            assert package in ("common", "__init__.py"), f"{package} has no place in the order of packages"
        wrong = {other.relative_to(root).parts[0] for other in imported_files(path, root)} - allowed
        assert not wrong, f"{path.relative_to(repository)} imports {wrong}"


def test_planning_needs_little(repository):
    """Rules import `study` where Snakemake runs: nothing is installed there but what Snakemake itself needs."""
    root = library(repository)
    waiting, visited = sorted((root / "study").glob("*.py")), set()
    while waiting:
        path = waiting.pop()
        if path in visited:
            continue
        visited.add(path)
        waiting += imported_files(path, root)
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            heavy = {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"yaml", "jsonschema"}
            assert not heavy, f"{path.relative_to(root)} imports {heavy}"
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                late = [
                    statement for statement in ast.walk(node) if isinstance(statement, (ast.Import, ast.ImportFrom))
                ]
                assert not late, f"{path.relative_to(root)}: {node.name} imports when the library is off the path again"


def test_rules_import_the_library_in_one_place(repository):
    for path in [*(repository / "workflow/rules").glob("*.smk"), repository / "workflow/Snakefile"]:
        names = re.findall(r"^\s*(?:from|import) molpath\.?(\w*)", path.read_text(), re.M)
        assert not names or (path.name == "common_first.smk" and set(names) == {"study"}), path


def test_no_imports_form_a_circle(repository):
    root = library(repository)
    cycles = circles({path: imported_files(path, root) for path in root.rglob("*.py")})
    assert not cycles, "\n".join(" -> ".join(path.relative_to(root).as_posix() for path in way) for way in cycles)


def test_a_circle_is_found():
    a, b, c, d = map(Path, "abcd")
    assert circles({a: {b}, b: {c}, c: {b, d}, d: set()}) == [[b, c]]
    assert circles({a: {b, c}, b: {d}, c: {d}, d: set()}) == []


def test_library_never_imports_snakemake(repository):
    for path in library(repository).rglob("*.py"):
        assert not re.search(r"^\s*(import|from) snakemake", path.read_text(), re.M), path


def test_snakefile_is_a_table_of_contents(repository):
    lines = (repository / "workflow/Snakefile").read_text().splitlines()
    assert len(lines) < 60
    assert [line for line in lines if re.match(r"\s*(def|if|for|rule) ", line)] == ["rule all:"]


def rules_of(repository: Path):
    """(file, rule name, text) of every rule."""
    for path in sorted((repository / "workflow/rules").glob("*.smk")):
        for match in re.finditer(r"^rule (\w+):\n((?:(?:[ \t].*)?\n)+)", path.read_text(), re.M):
            yield path.name, match[1], match[2]


def test_rules_look_alike(repository):
    scripted = [rule for rule in rules_of(repository) if "script:" in rule[2]]
    assert len(scripted) >= 12
    for file, name, text in scripted:
        needed = ["log:", "conda:", "message:", "threads:", "resources:"]
        if "output:" in text:
            needed += ["benchmark:"] + ["input:"] * (file != "demo.smk")  # the demo is made of a seed alone
        missing = [word for word in needed if not re.search(rf"^    {word}", text, re.M)]
        if "localrule: True" in text:
            missing = [word for word in missing if word not in ("threads:", "resources:", "benchmark:", "input:")]
        assert not missing, f"{file}: rule {name} lacks {missing}"
        script = re.search(r'script:\n\s+"\.\./scripts/(\w+)\.py"', text)
        assert script, f"{file}: rule {name} names no script"
        assert script[1] == name, f"{file}: rule {name} runs {script[1]}.py"


def test_a_changed_script_reruns_its_rule(repository):
    """By a digest in params, for Snakemake's own trigger looks at times; what was downloaded stays."""
    for path in sorted((repository / "workflow/rules").glob("*.smk")):
        for rule in re.split(r"^(?=rule )", path.read_text(), flags=re.M)[1:]:
            script = re.search(r'"\.\./scripts/(\w+)\.py"', rule)
            if script and "\n    output:" in rule and path.name != "acquire.smk":
                assert f'study.script("{script[1]}")' in rule, rule.split(":")[0]


def test_results_of_the_report_are_in_its_chapters(repository):
    for path in sorted((repository / "workflow/rules").glob("*.smk")):
        for flag in re.findall(r"report\(\n(.*?)\n {8}\)", path.read_text(), re.S):
            chapter = re.search(r'category="([^"]+)"', flag)
            assert 'caption="../report/' in flag, f"{path.name}: no caption: {flag}"
            assert "labels=" in flag, f"{path.name}: no labels: {flag}"
            assert not chapter or chapter[1] in CHAPTERS, f"{path.name}: {chapter[1]} is not in {CHAPTERS}"
    pages = yaml.safe_load((repository / "workflow/report/tables.yaml").read_text())
    pages |= yaml.safe_load((repository / "workflow/report/figures.yaml").read_text())
    assert {page["category"] for page in pages.values() if "category" in page} <= set(CHAPTERS)


def test_stage_files_hold_rules_only(repository):
    for path in (repository / "workflow/rules").glob("*.smk"):
        text = path.read_text()
        if path.name.startswith("common"):
            assert not re.search(r"^rule ", text, re.M), path
        else:
            assert not re.search(r"^\s*def ", text, re.M), path
        assert text.startswith('"""'), f"{path.name} has no docstring"


def test_no_function_of_the_rules_hides_another(repository):
    """All .smk files share one namespace: the later of two functions of one name would be taken for both."""
    texts = (path.read_text() for path in (repository / "workflow/rules").glob("*.smk"))
    names = [name for text in texts for name in re.findall(r"^def (\w+)", text, re.M)]
    assert {name for name in names if names.count(name) > 1} == set()


def test_scripts_are_thin(repository):
    for path in (repository / "workflow/scripts").glob("*.py"):
        code = [line for line in path.read_text().splitlines() if line.strip() and not line.strip().startswith("#")]
        assert len(code) <= 32, f"{path.name}: {len(code)} lines"
        assert 'if __name__ == "__main__":\n    joblog.start(snakemake)\n' in path.read_text(), path


@pytest.mark.parametrize("suffix", ["py", "smk"])
def test_files_can_be_read_in_one_go(repository, suffix):
    for path in (repository / "workflow").rglob(f"*.{suffix}"):
        assert len(path.read_text().splitlines()) <= 300, path
