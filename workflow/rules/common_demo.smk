"""What of the synthetic demo cohort the sheets ask for. Functions only."""

DEMO = f"{RESOURCES}/demo"
DEMO_SLIDES = [row for row in SLIDES if row.get("path", "").startswith(f"{DEMO}/slides/")]
DEMO_FILES = sorted(
    {row["path"] for row in PROFILES if row.get("path", "").startswith(f"{DEMO}/omics/")}
)
DEMO_TASKS = sorted(
    task["path"] for task in TASKS.values() if task["path"].startswith(f"{DEMO}/tasks/")
)
DEMO_COLUMNS = ("slide_id", "case_id", "path", "objective", "special")


def get_demo_slides(wildcards):
    """Slides to be drawn: what the generator reads of the sheet."""
    return [{column: row.get(column, "") for column in DEMO_COLUMNS} for row in DEMO_SLIDES]


def get_demo_cases(wildcards):
    """Cases of the demo cohort, sorted."""
    return sorted({row["case_id"] for row in DEMO_SLIDES})


def get_demo_task_slides(wildcards):
    """Slides the demo's tasks are made of, by source: the probing cohort's, and the pretraining cohort's (support)."""
    return {
        source: [
            {"slide_id": row["slide_id"], "case_id": row["case_id"]}
            for row in DEMO_SLIDES
            if row.get("cohort") == cohort
        ]
        for source, cohort in (("synthetic", "SYNTH-B"), ("synthetic_a", "SYNTH-A"))
    }
