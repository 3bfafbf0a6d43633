FROM condaforge/miniforge3:latest
ENV CONDA_OVERRIDE_CUDA=12.9
LABEL io.github.snakemake.containerized="true"
LABEL io.github.snakemake.conda_env_hash="df8f028e020be6de4fd85a7f925439e688a1acc7d78c780c4d90d32a85fe2066"
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
#   source: envs/features-gpu.yaml
#   prefix: /conda-envs/11f2580611cd03763073fa5f6293ca67
#   # features.yaml with a PyTorch built for CUDA (config: software/torch: gpu).
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - pytorch =2.13.0=cuda*
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
RUN mkdir -p /conda-envs/11f2580611cd03763073fa5f6293ca67
COPY envs/features-gpu.yaml /conda-envs/11f2580611cd03763073fa5f6293ca67/environment.yaml
# Conda environment:
#   source: envs/finetune-gpu.yaml
#   prefix: /conda-envs/cfee0e940f75ce6b48a76a8e0a8b461d
#   # finetune.yaml with a PyTorch built for CUDA (config: software/torch: gpu).
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - pytorch =2.13.0=cuda*
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
RUN mkdir -p /conda-envs/cfee0e940f75ce6b48a76a8e0a8b461d
COPY envs/finetune-gpu.yaml /conda-envs/cfee0e940f75ce6b48a76a8e0a8b461d/environment.yaml
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
#   source: envs/pretrain-gpu.yaml
#   prefix: /conda-envs/3b822a4296fb22811871bcfd5a92496a
#   # pretrain.yaml with a PyTorch built for CUDA (config: software/torch: gpu).
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - pytorch =2.13.0=cuda*
#     - filelock =4.2.12
#     - huggingface_hub =2.4.0
#     - numpy =2.4.6
#     - pandas =2.3.3
#     - h5py =3.16.0
#     - safetensors =0.8.0
#     - anndata =0.12.19
#     - tensorboardx =2.6.4
#     - zarr =3.1.6
RUN mkdir -p /conda-envs/3b822a4296fb22811871bcfd5a92496a
COPY envs/pretrain-gpu.yaml /conda-envs/3b822a4296fb22811871bcfd5a92496a/environment.yaml
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
#   source: envs/segmentation-gpu.yaml
#   prefix: /conda-envs/c98c14c68a72fbaf42e9280810855f6a
#   # segmentation.yaml with a PyTorch built for CUDA (config: software/torch: gpu).
#   channels:
#     - conda-forge
#     - nodefaults
#   dependencies:
#     - python =3.11
#     - pytorch =2.13.0=cuda*
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
RUN mkdir -p /conda-envs/c98c14c68a72fbaf42e9280810855f6a
COPY envs/segmentation-gpu.yaml /conda-envs/c98c14c68a72fbaf42e9280810855f6a/environment.yaml
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
    conda env create --prefix /conda-envs/11f2580611cd03763073fa5f6293ca67 --file /conda-envs/11f2580611cd03763073fa5f6293ca67/environment.yaml && \
    conda env create --prefix /conda-envs/cfee0e940f75ce6b48a76a8e0a8b461d --file /conda-envs/cfee0e940f75ce6b48a76a8e0a8b461d/environment.yaml && \
    conda env create --prefix /conda-envs/c11234517f0d2b833d36a8dc98164d33 --file /conda-envs/c11234517f0d2b833d36a8dc98164d33/environment.yaml && \
    conda env create --prefix /conda-envs/3b822a4296fb22811871bcfd5a92496a --file /conda-envs/3b822a4296fb22811871bcfd5a92496a/environment.yaml && \
    conda env create --prefix /conda-envs/acd1d350516717ce06427fbe9cd76d21 --file /conda-envs/acd1d350516717ce06427fbe9cd76d21/environment.yaml && \
    conda env create --prefix /conda-envs/d99640d8d1ef9888113ed05ea38f8a70 --file /conda-envs/d99640d8d1ef9888113ed05ea38f8a70/environment.yaml && \
    conda env create --prefix /conda-envs/c98c14c68a72fbaf42e9280810855f6a --file /conda-envs/c98c14c68a72fbaf42e9280810855f6a/environment.yaml && \
    conda env create --prefix /conda-envs/087fc220e98ef7e231734cf715c3e7fa --file /conda-envs/087fc220e98ef7e231734cf715c3e7fa/environment.yaml && \
    conda env create --prefix /conda-envs/4c67268d82059c2caaedc4b60e07d906 --file /conda-envs/4c67268d82059c2caaedc4b60e07d906/environment.yaml && \
    conda clean --all -y
