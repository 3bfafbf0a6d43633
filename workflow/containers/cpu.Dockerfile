FROM condaforge/miniforge3:latest
LABEL io.github.snakemake.containerized="true"
LABEL io.github.snakemake.conda_env_hash="eb8f5d1c01591267a31fc180b67f2bcf2510c014f29241894bb26c5533fb61c3"
# Conda environment:
#   source: envs/acquire.yaml
#   prefix: /conda-envs/80949a749d4b7df622330830b0f6f2a9
#   # Talking to data services: downloads, splits.
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - pandas =2.3.3
#     - requests =2.34.2
#     - requests-aws4auth =1.4.0
#     - urllib3 =2.8.0
#     - huggingface_hub =2.4.0
RUN mkdir -p /conda-envs/80949a749d4b7df622330830b0f6f2a9
COPY envs/acquire.yaml /conda-envs/80949a749d4b7df622330830b0f6f2a9/environment.yaml
# Conda environment:
#   source: envs/export.yaml
#   prefix: /conda-envs/d4c7e12a0ae5550f26dc4fe85b9bf58c
#   # Slides as SpatialData stores.
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - numpy =2.4.6
#     - pandas =2.3.3
#     - h5py =3.16.0
#     - anndata =0.12.19
#     - geopandas =1.2.0
#     - pillow =13.0.0
#     - shapely =2.2.0
#     - spatialdata =0.7.3
#     - zarr =3.1.6
RUN mkdir -p /conda-envs/d4c7e12a0ae5550f26dc4fe85b9bf58c
COPY envs/export.yaml /conda-envs/d4c7e12a0ae5550f26dc4fe85b9bf58c/environment.yaml
# Conda environment:
#   source: envs/features.yaml
#   prefix: /conda-envs/4c92567109ea2423cfb77d35b02dee7b
#   # Patch encoders: weights and features of patches; and the doctor, which looks at slides, weights and GPU.
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - pytorch =2.13.0
#     - torchvision =0.28.0
#     - timm =1.0.31
#     - filelock =4.2.12
#     - huggingface_hub =2.4.0
#     - numpy =2.4.6
#     - numba =0.68.1
#     - pandas =2.3.3
#     - h5py =3.16.0
#     - pillow =13.0.0
#     - openslide =4
#     - openslide-python =1.4.7
#     - tifffile =2026.3.3
#     - imagecodecs =2026.3.6
#     - py-opencv =5.0.0
#     - simplejpeg =1.9.0
#     - safetensors =0.8.0
#     - pyyaml =6.0.4
#     - zarr =3.1.6
RUN mkdir -p /conda-envs/4c92567109ea2423cfb77d35b02dee7b
COPY envs/features.yaml /conda-envs/4c92567109ea2423cfb77d35b02dee7b/environment.yaml
# Conda environment:
#   source: envs/finetune.yaml
#   prefix: /conda-envs/0c3f832b575049951ab89b70f28cdf9f
#   # Fine-tuning: a network as in pretrain.yaml, judged as in probe.yaml.
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - pytorch =2.13.0
#     - filelock =4.2.12
#     - huggingface_hub =2.4.0
#     - numpy =2.4.6
#     - pandas =2.3.3
#     - h5py =3.16.0
#     - anndata =0.12.19
#     - itables =2.9.1
#     - jinja2 =3.1.6
#     - safetensors =0.8.0
#     - scipy =1.17.1
#     - scikit-learn =1.9.1
#     - scikit-survival =0.28.0
#     - threadpoolctl =3.8.0
#     - pyarrow =26.0.1
#     - pyyaml =6.0.4
#     - zarr =3.1.6
RUN mkdir -p /conda-envs/0c3f832b575049951ab89b70f28cdf9f
COPY envs/finetune.yaml /conda-envs/0c3f832b575049951ab89b70f28cdf9f/environment.yaml
# Conda environment:
#   source: envs/omics.yaml
#   prefix: /conda-envs/c11234517f0d2b833d36a8dc98164d33
#   # Molecular profiles.
#   channels:
#     - conda-forge
#     - bioconda # gseapy, pydeseq2 and vcfpy
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - numpy =2.4.6
#     - pandas =2.3.3
#     - h5py =3.16.0
#     - anndata =0.12.19
#     - pydeseq2 =0.5.4
#     - formulaic =1.2.2
#     - pyarrow =26.0.1
#     - gseapy =1.3.1
#     - vcfpy =0.14.2
RUN mkdir -p /conda-envs/c11234517f0d2b833d36a8dc98164d33
COPY envs/omics.yaml /conda-envs/c11234517f0d2b833d36a8dc98164d33/environment.yaml
# Conda environment:
#   source: envs/pretrain.yaml
#   prefix: /conda-envs/320ce0d41b665f82047bec2f7372f0ea
#   # Pretraining, and embedding with what came out of it.
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - pytorch =2.13.0
#     - filelock =4.2.12
#     - huggingface_hub =2.4.0
#     - numpy =2.4.6
#     - pandas =2.3.3
#     - h5py =3.16.0
#     - safetensors =0.8.0
#     - anndata =0.12.19
#     - tensorboardx =2.6.4
#     - zarr =3.1.6
RUN mkdir -p /conda-envs/320ce0d41b665f82047bec2f7372f0ea
COPY envs/pretrain.yaml /conda-envs/320ce0d41b665f82047bec2f7372f0ea/environment.yaml
# Conda environment:
#   source: envs/probe.yaml
#   prefix: /conda-envs/acd1d350516717ce06427fbe9cd76d21
#   # Probing frozen embeddings.
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - numpy =2.4.6
#     - pandas =2.3.3
#     - h5py =3.16.0
#     - scipy =1.17.1
#     - scikit-learn =1.9.1
#     - scikit-survival =0.28.0
#     - threadpoolctl =3.8.0
#     - pyarrow =26.0.1
#     - pyyaml =6.0.4
RUN mkdir -p /conda-envs/acd1d350516717ce06427fbe9cd76d21
COPY envs/probe.yaml /conda-envs/acd1d350516717ce06427fbe9cd76d21/environment.yaml
# Conda environment:
#   source: envs/report.yaml
#   prefix: /conda-envs/d99640d8d1ef9888113ed05ea38f8a70
#   # Tables and figures.
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - numpy =2.4.6
#     - pandas =2.3.3
#     - h5py =3.16.0
#     - scipy =1.17.1
#     - scikit-learn =1.9.1
#     - statsmodels =0.15.0
#     - itables =2.9.1
#     - jinja2 =3.1.6
#     - lifelines =0.30.3
#     - matplotlib-base =3.11.2
#     - pillow =13.0.0
#     - pyarrow =26.0.1
#     - pyyaml =6.0.4
#     - rocrate =0.16.0
#     - safetensors =0.8.0
#     - threadpoolctl =3.8.0
RUN mkdir -p /conda-envs/d99640d8d1ef9888113ed05ea38f8a70
COPY envs/report.yaml /conda-envs/d99640d8d1ef9888113ed05ea38f8a70/environment.yaml
# Conda environment:
#   source: envs/segmentation.yaml
#   prefix: /conda-envs/49b4f5e10cdc007f1287d9a9d8ebeb11
#   # Tissue and artefacts by networks.
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - pytorch =2.13.0
#     - torchvision =0.28.0
#     - filelock =4.2.12
#     - segmentation-models-pytorch =0.6.0
#     - numpy =2.4.6
#     - pandas =2.3.3
#     - h5py =3.16.0
#     - scipy =1.17.1
#     - pillow =13.0.0
#     - openslide =4
#     - openslide-python =1.4.7
#     - tifffile =2026.3.3
#     - imagecodecs =2026.3.6
#     - py-opencv =5.0.0
#     - simplejpeg =1.9.0
#     - safetensors =0.8.0
#     - shapely =2.2.0
RUN mkdir -p /conda-envs/49b4f5e10cdc007f1287d9a9d8ebeb11
COPY envs/segmentation.yaml /conda-envs/49b4f5e10cdc007f1287d9a9d8ebeb11/environment.yaml
# Conda environment:
#   source: envs/sheets.yaml
#   prefix: /conda-envs/087fc220e98ef7e231734cf715c3e7fa
#   # Sheets of public cohorts: asking data services, and the index of the Imaging Data Commons.
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     # The index of a release, 79 MB.
#     - idc-index-data =25.0.5
#     - numpy =2.4.6
#     - pandas =2.3.3
#     - pyarrow =26.0.1
#     - requests =2.34.2
#     - requests-aws4auth =1.4.0
#     - urllib3 =2.8.0
RUN mkdir -p /conda-envs/087fc220e98ef7e231734cf715c3e7fa
COPY envs/sheets.yaml /conda-envs/087fc220e98ef7e231734cf715c3e7fa/environment.yaml
# Conda environment:
#   source: envs/slides.yaml
#   prefix: /conda-envs/4c67268d82059c2caaedc4b60e07d906
#   # Opening slides: inspection, tissue, tiling, and the demo's slides.
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - numpy =2.4.6
#     - pandas =2.3.3
#     - h5py =3.16.0
#     - scipy =1.17.1
#     - pillow =13.0.0
#     - openslide =4
#     - openslide-python =1.4.7
#     - tifffile =2026.3.3
#     - imagecodecs =2026.3.6
#     - py-opencv =5.0.0
#     - numba =0.68.1
#     - shapely =2.2.0
#     - simplejpeg =1.9.0
#     - pyyaml =6.0.4
RUN mkdir -p /conda-envs/4c67268d82059c2caaedc4b60e07d906
COPY envs/slides.yaml /conda-envs/4c67268d82059c2caaedc4b60e07d906/environment.yaml

RUN conda env create --prefix /conda-envs/80949a749d4b7df622330830b0f6f2a9 --file /conda-envs/80949a749d4b7df622330830b0f6f2a9/environment.yaml && \
    conda env create --prefix /conda-envs/d4c7e12a0ae5550f26dc4fe85b9bf58c --file /conda-envs/d4c7e12a0ae5550f26dc4fe85b9bf58c/environment.yaml && \
    conda env create --prefix /conda-envs/4c92567109ea2423cfb77d35b02dee7b --file /conda-envs/4c92567109ea2423cfb77d35b02dee7b/environment.yaml && \
    conda env create --prefix /conda-envs/0c3f832b575049951ab89b70f28cdf9f --file /conda-envs/0c3f832b575049951ab89b70f28cdf9f/environment.yaml && \
    conda env create --prefix /conda-envs/c11234517f0d2b833d36a8dc98164d33 --file /conda-envs/c11234517f0d2b833d36a8dc98164d33/environment.yaml && \
    conda env create --prefix /conda-envs/320ce0d41b665f82047bec2f7372f0ea --file /conda-envs/320ce0d41b665f82047bec2f7372f0ea/environment.yaml && \
    conda env create --prefix /conda-envs/acd1d350516717ce06427fbe9cd76d21 --file /conda-envs/acd1d350516717ce06427fbe9cd76d21/environment.yaml && \
    conda env create --prefix /conda-envs/d99640d8d1ef9888113ed05ea38f8a70 --file /conda-envs/d99640d8d1ef9888113ed05ea38f8a70/environment.yaml && \
    conda env create --prefix /conda-envs/49b4f5e10cdc007f1287d9a9d8ebeb11 --file /conda-envs/49b4f5e10cdc007f1287d9a9d8ebeb11/environment.yaml && \
    conda env create --prefix /conda-envs/087fc220e98ef7e231734cf715c3e7fa --file /conda-envs/087fc220e98ef7e231734cf715c3e7fa/environment.yaml && \
    conda env create --prefix /conda-envs/4c67268d82059c2caaedc4b60e07d906 --file /conda-envs/4c67268d82059c2caaedc4b60e07d906/environment.yaml && \
    conda clean --all -y
