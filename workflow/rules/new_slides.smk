"""The stages that make embeddings of slides, for rules/predict.smk: its module runs them a second time on new slides."""


include: "common_first.smk"
include: "common.smk"


containerized: study.image


include: "slides.smk"
include: "tissue.smk"
include: "tiles.smk"
include: "features.smk"
include: "embed.smk"
