FROM condaforge/miniforge3:latest
LABEL io.github.snakemake.containerized="true"
LABEL io.github.snakemake.conda_env_hash="5e32ec4e4fb02c242fbfd2a662709b6d07c1dfc27291fa3450154ab90eadb81d"
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
#   source: envs/features.yaml
#   prefix: /conda-envs/6fea3c5835d96dba3f88481ba62037ec
#   # Patch encoders: weights and features of patches; and the doctor, which looks at slides, weights and GPU.
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - pytorch =2.13.0
#     - torchvision =0.28.0
#     - timm =1.0.31
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
RUN mkdir -p /conda-envs/6fea3c5835d96dba3f88481ba62037ec
COPY envs/features.yaml /conda-envs/6fea3c5835d96dba3f88481ba62037ec/environment.yaml
# Conda environment:
#   source: envs/finetune.yaml
#   prefix: /conda-envs/f4656d2ba76dda2fb22196f84af8b198
#   # Fine-tuning: a network as in pretrain.yaml, judged as in probe.yaml.
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - pytorch =2.13.0
#     - huggingface_hub =2.4.0
#     - numpy =2.4.6
#     - pandas =2.3.3
#     - h5py =3.16.0
#     - anndata =0.12.19
#     - itables =2.9.1
#     - safetensors =0.8.0
#     - scipy =1.17.1
#     - scikit-learn =1.9.1
#     - scikit-survival =0.28.0
#     - threadpoolctl =3.8.0
#     - pyarrow =26.0.1
#     - pyyaml =6.0.4
#     - zarr =3.1.6
RUN mkdir -p /conda-envs/f4656d2ba76dda2fb22196f84af8b198
COPY envs/finetune.yaml /conda-envs/f4656d2ba76dda2fb22196f84af8b198/environment.yaml
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
#   prefix: /conda-envs/2fb939617f680e56197e798173a5b41f
#   # Pretraining, and embedding with what came out of it.
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - pytorch =2.13.0
#     - huggingface_hub =2.4.0
#     - numpy =2.4.6
#     - pandas =2.3.3
#     - h5py =3.16.0
#     - safetensors =0.8.0
#     - anndata =0.12.19
#     - tensorboardx =2.6.4
#     - zarr =3.1.6
RUN mkdir -p /conda-envs/2fb939617f680e56197e798173a5b41f
COPY envs/pretrain.yaml /conda-envs/2fb939617f680e56197e798173a5b41f/environment.yaml
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
#   prefix: /conda-envs/3ca58de7009c0bfc8189a5ea9416c2a6
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
#     - lifelines =0.30.3
#     - matplotlib-base =3.11.2
#     - pillow =13.0.0
#     - pyarrow =26.0.1
#     - pyyaml =6.0.4
#     - rocrate =0.16.0
#     - safetensors =0.8.0
#     - threadpoolctl =3.8.0
RUN mkdir -p /conda-envs/3ca58de7009c0bfc8189a5ea9416c2a6
COPY envs/report.yaml /conda-envs/3ca58de7009c0bfc8189a5ea9416c2a6/environment.yaml
# Conda environment:
#   source: envs/segmentation.yaml
#   prefix: /conda-envs/8e0e12643e34448c2ed4f20d8053056f
#   # Tissue and artefacts by networks.
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - pytorch =2.13.0
#     - torchvision =0.28.0
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
RUN mkdir -p /conda-envs/8e0e12643e34448c2ed4f20d8053056f
COPY envs/segmentation.yaml /conda-envs/8e0e12643e34448c2ed4f20d8053056f/environment.yaml
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
    conda env create --prefix /conda-envs/6fea3c5835d96dba3f88481ba62037ec --file /conda-envs/6fea3c5835d96dba3f88481ba62037ec/environment.yaml && \
    conda env create --prefix /conda-envs/f4656d2ba76dda2fb22196f84af8b198 --file /conda-envs/f4656d2ba76dda2fb22196f84af8b198/environment.yaml && \
    conda env create --prefix /conda-envs/c11234517f0d2b833d36a8dc98164d33 --file /conda-envs/c11234517f0d2b833d36a8dc98164d33/environment.yaml && \
    conda env create --prefix /conda-envs/2fb939617f680e56197e798173a5b41f --file /conda-envs/2fb939617f680e56197e798173a5b41f/environment.yaml && \
    conda env create --prefix /conda-envs/acd1d350516717ce06427fbe9cd76d21 --file /conda-envs/acd1d350516717ce06427fbe9cd76d21/environment.yaml && \
    conda env create --prefix /conda-envs/3ca58de7009c0bfc8189a5ea9416c2a6 --file /conda-envs/3ca58de7009c0bfc8189a5ea9416c2a6/environment.yaml && \
    conda env create --prefix /conda-envs/8e0e12643e34448c2ed4f20d8053056f --file /conda-envs/8e0e12643e34448c2ed4f20d8053056f/environment.yaml && \
    conda env create --prefix /conda-envs/087fc220e98ef7e231734cf715c3e7fa --file /conda-envs/087fc220e98ef7e231734cf715c3e7fa/environment.yaml && \
    conda env create --prefix /conda-envs/4c67268d82059c2caaedc4b60e07d906 --file /conda-envs/4c67268d82059c2caaedc4b60e07d906/environment.yaml && \
    conda clean --all -y
