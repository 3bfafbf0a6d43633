"""Every command that README or a page shows is run by a test, or the page says that none runs it, and why."""

import ast
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from bundle_files import bundle_of
from hub_service import serving_hub
from init_files import features_of, slide_files
from page_blocks import put_clone, run_block
from page_commands import Command, all_commands, commands_of
from projects import Project
from trained_study import write_model

REPOSITORY = Path(__file__).parents[2]
COMMANDS = all_commands(REPOSITORY)
START = "tests/workflow/test_start.py"
PARSED = f"{START}::test_pages_type_three_lines_and_options_there_are"
FEATURES = f"{START}::test_features_of_trident_to_a_report"
NEW_SLIDES = "tests/workflow/test_start_new_slides.py"
PAPER = "tests/workflow/test_start_paper_number.py::test_the_page_leads_to_a_study_that_can_be_planned_and_run"
THIS_FILE = "tests/workflow/test_commands.py"
LIVE = f"{THIS_FILE}::test_each_way_in_of_the_readme_sets_up_a_study"
PUBLIC = "tests/workflow/test_paper_config.py"
BUNDLE = "tests/unit/init/test_bundle_want.py"

#: Page, pattern of the whole command, the test that runs it, and words that this test's file must have: those of the
#: command, or the page whose blocks it types.
RUN = [
    (r"README\.md", r"make (demo|test)", ".ci/run", ["make demo", "make test"]),
    (r"README\.md", r"make env", f"{START}::test_the_launcher_is_part_of_the_environment", ['"env"']),
    (r"README\.md", r"\. \.venv/bin/activate", "tests/helpers/page_blocks.py", ["programs / \"activate\""]),
    (r"README\.md", r"cd \.\.", LIVE, ["molpath init"]),
    (r"README\.md", r"molpath init .*", LIVE, ["molpath init"]),
    (r"README\.md", r"snakemake bundle", "tests/workflow/test_bundle.py", ['"bundle", "predict"']),
    (r"README\.md|config/README\.md", r"snakemake( --\S+)?( [\w/.]+)?", FEATURES, ["README.md", "config/README.md"]),
    (r"config/presets/README\.md", r"snakemake .*", f"{THIS_FILE}::test_a_preset_is_read_over_the_config", ["presets"]),
    (r".*(public/README|module)\.md", r"snakemake sheets .*", "tests/workflow/test_miniature.py", ['run("sheets")']),
    (
        r".*(public/README|module)\.md",
        r"snakemake .*--dry-run",
        f"{PUBLIC}::test_an_empty_folder_gets_a_message_on_what_to_put_there",
        ["config/public/config.yaml", '"--dry-run"'],
    ),
    (
        r".*(public/README|module)\.md",
        r"snakemake plan .*",
        f"{THIS_FILE}::test_the_public_config_is_planned_or_says_what_it_lacks",
        ["config/public/config.yaml", "snakemake plan"],
    ),
    (r".*/clusters\.md", r"mkdir .*", f"{THIS_FILE}::test_a_profile_is_copied_as_the_page_says", ["clusters.md"]),
    (r".*/clusters\.md", r"export MOLPATH_(IMAGE|CLAIM|MOUNT)=.*", "tests/cluster/test_generic.py", ["MOLPATH_IMAGE"]),
    (r".*/clusters\.md", r"snakemake --profile .*/kubernetes features", "tests/cluster/test_generic.py", ["--profile"]),
    (r".*/data\.md", r"snakemake sheets", "tests/workflow/test_acquisition.py", ['"sheets"']),
    (
        r".*/data\.md",
        r"snakemake features",
        "tests/workflow/test_acquisition.py::test_slides_come_to_features_and_the_damaged_one_is_set_aside",
        ["features"],
    ),
    (r".*/predict\.md", r"snakemake predict", "tests/workflow/test_predict.py", ['"predict"']),
    (r".*/predict\.md", r"\. molpath/.venv/bin/activate", "tests/helpers/page_blocks.py", ["molpath/.venv"]),
    (r".*/predict\.md", r"molpath init .*", BUNDLE, ['"--bundle"', '"--slides"']),
    (r".*/predict\.md", r"cd new && snakemake predict", "tests/workflow/test_bundle.py", ['"predict"']),
    (r".*/provenance\.md", r"snakemake verify", "tests/workflow/test_reruns.py", ['"verify"']),
    (r".*/provenance\.md", r"PYTHONPATH=\S+ python -m molpath\.provenance\.inventory \S+",
     "tests/unit/provenance/test_provenance.py", ["molpath.provenance.inventory"]),
    (r".*/provenance\.md", r"snakemake verify_slides", "tests/workflow/test_plan.py", ['"verify_slides"']),
    (r".*/start_slides\.md", r"snakemake .*", FEATURES, ["README.md"]),
    (r".*/start_slides\.md", r"\..*|cd .*|molpath init study --slides slides .*",
     f"{START}::test_slides_to_a_report", ["start_slides.md"]),
    (r".*/start_features\.md", r"\..*|cd .*|molpath init study --features trident .*", FEATURES, ["start_features.md"]),
    (r".*/start_embeddings\.md", r"\..*|cd .*|molpath init study --embeddings embeddings.csv .*",
     f"{START}::test_embeddings_to_a_report", ["start_embeddings.md"]),
    (r".*/start_(slides|features|embeddings)\.md", r"molpath init .*", PARSED, ["parse_args"]),
    (r".*/start_new_slides\.md", r".*", NEW_SLIDES, ["start_new_slides.md", "blocks("]),
    (r".*/start_paper_number\.md", r".*", PAPER, ["start_paper_number.md", "blocks("]),
]  # fmt: skip


def runner_of(command: Command) -> tuple[str, list[str]] | None:
    """The test that runs a command, and what its file must say."""
    for page, pattern, test, words in RUN:
        if re.fullmatch(page, command.page) and re.fullmatch(pattern, command.text, re.S):
            return test, words
    return None


@pytest.mark.parametrize("command", COMMANDS, ids=[f"{command.page}:{command.line}" for command in COMMANDS])
def test_a_command_is_run_or_the_page_says_why_not(command):
    runner = runner_of(command)
    place = f"{command.page}, line {command.line}: {command.text!r}"
    if command.reason:
        assert runner is None, f"{place} is run by {runner[0]}: take the mark away"
        return
    assert runner, f"{place} is run by no test. Run it, or write above it '# not run by the tests: …' and why"
    path, _, name = runner[0].partition("::")
    text = (REPOSITORY / path).read_text(encoding="utf-8")
    assert [word for word in runner[1] if word not in text] == []
    functions = (
        {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)} if name else set()
    )
    assert not name or name in functions


def test_every_entry_has_a_command():
    """An entry of a command that is gone is taken out."""
    used = [
        next((k for k, (page, pattern, *_) in enumerate(RUN)
              if re.fullmatch(page, command.page) and re.fullmatch(pattern, command.text, re.S)), -1)
        for command in COMMANDS
    ]  # fmt: skip
    assert [RUN[k][:2] for k in range(len(RUN)) if k not in used] == []
    assert len(COMMANDS) > 50


def test_commands_are_found_with_their_lines_and_marks():
    text = "a\n```bash\nx 'b\n  c'   # d\n# not run by the tests: needs e\ny\n\nz\n```\n"
    text += "   ```sh\n   w\n   ```\n```text\nv\n```"
    assert list(commands_of("p", text)) == [
        Command("p", 3, "x 'b\nc'"),
        Command("p", 6, "y", "needs e"),
        Command("p", 8, "z"),
        Command("p", 11, "w"),
    ]


@pytest.fixture(scope="module")
def desk(tmp_path_factory, repository) -> Path:
    """A folder with a clone and everything that README's commands name: empty slides, features, a model, a bundle."""
    folder = tmp_path_factory.mktemp("desk")
    put_clone(folder, repository)
    cases = [f"P{k:02d}" for k in range(12)]
    for name in ("slides", "incoming"):
        slide_files(folder / name, [f"{case}.svs" for case in cases])
    features_of(folder / "trident/20x_512px_0px_overlap/features_conch_v15", {case: np.ones((2, 4)) for case in cases})
    write_model(folder / "shared/threads")
    labels = [f"{case},{'ny'[k % 2]}" for k, case in enumerate(cases)]
    (folder / "labels.csv").write_text("\n".join(["slide_id,response", *labels]) + "\n")
    (folder / "clinical.csv").write_text("\n".join(["case_id,response", *labels]) + "\n")
    (folder / "embeddings.csv").write_text("\n".join(["case_id,a,b", *(f"{case},0.5,{case[1:]}" for case in cases)]))
    shutil.copytree(bundle_of(Project(tmp_path_factory.mktemp("study"), repository)), folder / "results/bundle")
    return folder


MADE_BY = [
    (path.name, *line.split()[1:])
    for path in sorted((REPOSITORY / "workflow/docs").glob("*.md"))
    for line in re.findall(r"^    (\.venv/bin/python tests/\S+.*)$", path.read_text(encoding="utf-8"), re.M)
]


@pytest.mark.parametrize("made_by", MADE_BY, ids=[page for page, *_ in MADE_BY])
def test_a_page_of_measurements_names_its_program_and_options(made_by):
    """Hours of work, which no test repeats."""
    _, script, *words = made_by
    text = (REPOSITORY / script).read_text(encoding="utf-8")
    assert [word for word in words if word.startswith("--") and f'"{word}"' not in text] == []


WAYS = [command.text for command in COMMANDS if command.page == "README.md" and command.text.startswith("molpath init")]


@pytest.mark.parametrize("way", WAYS)
def test_each_way_in_of_the_readme_sets_up_a_study(desk, way):
    shutil.rmtree(desk / "study", ignore_errors=True)
    with serving_hub({}, "none") as address:
        done = run_block(way, desk, HF_ENDPOINT=address, HF_HOME=str(desk / "hub"), NO_PROXY="127.0.0.1")
    if "--paper" in way:
        assert done.returncode == 1
        assert "When everything is there: molpath init study --paper bcnb--er --slides SLIDES" in done.stdout
        return
    assert done.returncode == 0, done.stdout
    assert (desk / "study/config/config.yaml").is_file()
    assert (desk / "study/Snakefile").is_file()


def test_there_is_a_way_in_for_everything_one_can_have():
    assert len(WAYS) == 6


def test_a_preset_is_read_over_the_config(tmp_path, repository):
    """As far as the sheet, which is the shipped example, and weights that nobody ships."""
    (command,) = [listed.text for listed in COMMANDS if listed.page == "config/presets/README.md"]
    put_clone(tmp_path, repository)
    done = run_block(f". molpath/.venv/bin/activate\ncd {repository}\n{command}", tmp_path)
    assert "2 problems in config and sheets; no job was started." in done.stdout
    assert "config/slides.tsv: these are the example rows" in done.stdout
    assert "pretrain/runs/tcga-gtex/rna_encoder/checkpoint: no such file" in done.stdout


def test_the_public_config_is_planned_or_says_what_it_lacks(tmp_path, repository):
    """Planned at its real size in test_paper_config.py."""
    command = "snakemake plan --configfile config/public/config.yaml"
    assert {listed.text for listed in COMMANDS if listed.text.startswith("snakemake plan --configfile")} == {command}
    put_clone(tmp_path, repository)
    (tmp_path / "config").symlink_to(repository / "config")
    (tmp_path / "workflow").symlink_to(repository / "workflow")
    done = run_block(command, tmp_path)
    assert done.returncode == 1
    assert re.search(r"\d+ problems? in config and sheets; no job was started", done.stdout), done.stdout
    assert "slides.tsv" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_profile_is_copied_as_the_page_says(tmp_path, repository):
    (command,) = [
        listed.text for listed in COMMANDS if listed.page.endswith("clusters.md") and listed.text.startswith("mkdir")
    ]
    (tmp_path / "study").mkdir()
    put_clone(tmp_path, repository)
    (tmp_path / "molpath/workflow").symlink_to(repository / "workflow")
    done = run_block(f". molpath/.venv/bin/activate\ncd study\n{command}", tmp_path, HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout
    copied = tmp_path / ".config/snakemake/mysite/profile.yaml"
    assert copied.read_bytes() == (repository / "workflow/profiles/slurm-gpu/profile.yaml").read_bytes()
