"""Values of the config of a wrong type, misspelt, or no path: what spoils a project, and what its user reads."""


def sheet(path: str):
    """A project whose config names its slide sheet so."""
    return lambda project: project.config["slides"].update(sheet=path)


# As in mistakes.py.
IN_VALUES = {
    "section at the top": (
        lambda p: p.config.update(grids={"main": {}}),
        ["config, key top level: unknown key 'grids'", "grids belongs below tiles, indented; known keys:"],
    ),
    "misspelt section": (
        lambda p: p.config.update(slide={}),
        ["config, key top level: unknown key 'slide'", "did you mean 'slides'?"],
    ),
    "misspelt key": (
        lambda p: p.config["tiles"]["grids"]["main"].update(patchsize=256),
        ["config, key tiles/grids/main: unknown key 'patchsize'", "did you mean 'patch_size'?"],
    ),
    "decimal comma": (
        lambda p: p.config["tiles"]["grids"]["main"].update(mpp="0,25"),
        ["config, key tiles/grids/main/mpp: '0,25' is not a number", "use a decimal point: 0.25"],
    ),
    "unit behind a number": (
        lambda p: p.config["tiles"]["grids"]["main"].update(magnification="20x"),
        ["config, key tiles/grids/main/magnification: '20x' is not a number", "write the number alone: 20"],
    ),
    "word behind a number": (
        lambda p: p.config["tiles"]["grids"]["main"].update(patch_size="256 px"),
        ["config, key tiles/grids/main/patch_size: '256 px' is not a whole number", "write the number alone: 256"],
    ),
    "number in quotes": (
        lambda p: p.config["tiles"]["grids"]["main"].update(patch_size="256"),
        ["config, key tiles/grids/main/patch_size: '256' is not a whole number", "write it without quotes: 256"],
    ),
    "thousands separator": (
        lambda p: p.config["slides"].update(memory_mb="2,000"),
        ["config, key slides/memory_mb: '2,000' is not a whole number", "without a thousands separator: 2000"],
    ),
    "negative number": (
        lambda p: p.config["tiles"]["grids"]["main"].update(patch_size=-256),
        ["config, key tiles/grids/main/patch_size: -256 is less than the minimum of"],
    ),
    "huge number": (
        lambda p: p.config["tiles"]["grids"]["main"].update(patch_size=10**9),
        ["config, key tiles/grids/main/patch_size: 1000000000 is greater than the maximum of"],
    ),
    "share in per cent": (
        lambda p: p.config["slides"].update(max_failed_fraction="10%"),
        ["config, key slides/max_failed_fraction: '10%' is not a number", "write it as a share: 0.1"],
    ),
    "yes in quotes": (
        lambda p: p.config.update(software={"allow_cpu": "yes"}),
        ["config, key software/allow_cpu: 'yes' is not true or false", "write true, without quotes"],
    ),
    "yes without quotes": (
        lambda p: p.config["slides"].update(sheet=True),
        ["config, key slides/sheet: true is not text", "put the word in quotes ('yes')"],
    ),
    "number where a name is asked for": (
        lambda p: p.config["embed"].update(use=[1]),
        ["config, key embed/use/0: 1 is not text", "put it in quotes: '1'"],
    ),
    "one value where a list is asked for": (
        lambda p: p.config["embed"].update(use="mean"),
        ["config, key embed/use: 'mean' is not a list", "write a list: [mean]"],
    ),
    "list where one value is asked for": (
        lambda p: p.config["slides"].update(sheet=["slides.tsv"]),
        ["config, key slides/sheet: ['slides.tsv'] is not text", "without brackets: slides.tsv"],
    ),
    "list where keys are asked for": (
        lambda p: p.config["embed"].update(models=["mean"]),
        ["config, key embed/models: ['mean'] is not a map of keys", "write keys and values below it, without -"],
    ),
    "keys where a list is asked for": (
        lambda p: p.config["embed"].update(use={"mean": {}}),
        ["config, key embed/use: {'mean': {}} is not a list", "begin each entry with '- '"],
    ),
    "nothing where a value is asked for": (
        lambda p: p.config["embed"].update(use=[None]),
        ["config, key embed/use/0: nothing is not text", "write a value, or delete the key"],
    ),
    "misspelt choice": (
        lambda p: p.config.update(tissue={"method": "ostu"}),
        ["config, key tissue/method: 'ostu' is not one of", "did you mean 'otsu'?"],
    ),
    "misspelt adapter": (
        lambda p: p.config["features"]["encoders"]["tiny"].update(adapter="uni-v1"),
        ["config, key features/encoders/tiny/adapter: unknown encoder 'uni-v1'", "did you mean 'uni_v1'?"],
    ),
    "adapter in capitals": (
        lambda p: p.config["features"]["encoders"]["tiny"].update(adapter="CONCH_v15"),
        ["unknown encoder 'CONCH_v15'", "did you mean 'conch_v15'?"],
    ),
    "misspelt model": (
        lambda p: p.config["embed"].update(use=["thread"]),
        ["config, key embed/use: no model is called 'thread'", "did you mean 'threads'? Define it, or use one of"],
    ),
    "misspelt grid": (
        lambda p: p.config["embed"]["models"]["mean"].update(grid="mian"),
        ["config, key embed/models/mean/grid: no grid is called 'mian'", "did you mean 'main'?"],
    ),
    "misspelt task": (
        lambda p: p.config["probe"].update(use=["here--grades"]),
        ["config, key probe/use: no task is called 'here--grades'", "did you mean 'here--grade'?"],
    ),
    "misspelt kind": (
        lambda p: p.config["embed"]["models"]["mean"].update(kind="means"),
        ["config, key embed/models/mean/kind: 'means' is not one of", "did you mean 'mean'?"],
    ),
    "tilde in a path": (
        sheet("~/nowhere/slides.tsv"),
        ["~/nowhere/slides.tsv: no such file", "write the whole path, for ~ and $ stay as they are here: /"],
    ),
    "variable in a path": (
        sheet("$NOWHERE/slides.tsv"),
        ["$NOWHERE/slides.tsv: no such file", "write the whole path, for ~ and $ stay as they are here"],
    ),
    "wildcard in a path": (
        sheet("slides*.tsv"),
        ["slides*.tsv: no such file", "name one file or folder: * and ? stay"],
    ),
    "backslashes in a path": (
        sheet("data\\slides.tsv"),
        ["data\\slides.tsv: no such", "forward slashes: data/slides.tsv"],
    ),
    "typographic quotes": (sheet("“slides.tsv”"), ["“slides.tsv”: no such file", "straight quotation marks or none"]),
    "space behind a path": (
        sheet("slides.tsv "),
        ["slides.tsv : no such file", "delete the spaces around it: slides.tsv"],
    ),
    "no-break space in a path": (sheet("slides\u00a0.tsv"), ["no such file", "that can't be seen (U+00A0)"]),
    "other ending": (sheet("slides.csv"), ["slides.csv: no such file", "did you mean slides.tsv?"]),
    "other capitals": (sheet("Slides.tsv"), ["Slides.tsv: no such file", "did you mean slides.tsv?"]),
    "folder for a sheet": (
        sheet("files"),
        ["files: is a folder, and a file is expected", "name the tab-separated file"],
    ),
    "folder for a sheet of cases": (
        lambda p: p.config["slides"].update(cases="files"),
        ["config, key slides/cases: files is a folder, and a file is expected", "name the file in it"],
    ),
    "file for a folder": (
        lambda p: p.config["tiles"]["grids"]["main"].update(coords="slides.tsv"),
        ["config, key tiles/grids/main/coords: slides.tsv is a file, and a folder is expected", "_patches.h5"],
    ),
    "file for a task's folder": (
        lambda p: p.config["probe"]["tasks"]["here--grade"].update(path="tasks/grade/k=all.tsv"),
        ["config, key probe/tasks/here--grade/path: no such file", "name the folder, not a file in it"],
    ),
    "slide encoder without weights": (
        lambda p: (
            p.config["embed"]["models"].update(titan={"kind": "titan", "grid": "main", "encoder": "tiny"}),
            p.config["embed"]["models"]["titan"].update(weights="weights/TITAN", trust_remote_code=True),
            p.config["embed"].update(use=["titan"]),
        ),
        [
            "config, key embed/models/titan/weights: no such file: weights/TITAN",
            "accept the licence on https://huggingface.co/MahmoodLab/TITAN",
            "hf download MahmoodLab/TITAN --local-dir weights/TITAN",
        ],
    ),
}
