"""Genes of the synthetic profiles: real symbols; a programme of genes follows each latent.

Ensembl ids are the real ones where REAL_IDS names them and illustrative elsewhere (ENSG000009…): a reader of these
files needs the form, nothing more.
"""

#: Genes that follow a latent (up with it), and two programmes without any morphology.
PROGRAMMES = {
    "glandular": "KRT20 CDX2 VIL1 CEACAM5 MUC13 LGALS4 EPCAM TFF3 AGR2 CLDN18",
    "solid": "KRT5 TP63 KRT14 DSG3 SOX2 KRT6A",
    "immune": "CD8A CD3D CD3E CD2 GZMB PRF1 CXCL9 CXCL10 IFNG CCL5",
    "grade": "MKI67 TOP2A CCNB1 AURKA BUB1 PLK1 CDC20 FOXM1 BIRC5 TPX2",
    "mucin": "MUC2 MUC5AC MUC5B SPDEF FCGBP ZG16 CLCA1 REG4 GALNT12 ST6GALNAC1",
    "aggregates": "MS4A1 CD19 CD79A CXCL13 CR2 PAX5 BLK FCRL5 CD22 TNFRSF13C",
    "necrosis": "VEGFA CA9 SLC2A1 LDHA ADM NDRG1 PGK1 BNIP3 P4HA1 EGLN3",
    "haemorrhage": "HBA1 HBA2 HBB ALAS2 HMOX1 VWF PECAM1 CD34 CDH5 KDR",
    "handling": "FOS JUN EGR1 DUSP1 IER2 ATF3 HSPA1A ZFP36 KLF6 BTG2",
    "ageing": "CDKN1A GDF15 IGFBP3 IL6 SERPINE1 CCL2 TIMP1 FBLN1",
}
MITOCHONDRIAL = ["MT-CO1", "MT-CO2", "MT-CO3", "MT-ND1", "MT-ND4", "MT-CYB", "MT-ATP6"]
OTHERS = ["ACTB", "GAPDH", "TSPAN6", "TP53", "KRAS", "BRAF", "EGFR", "ERBB2", "PIK3CA", "PTEN", "BRCA1", "BRCA2", "MYC", "CDH1", "VIM", "ESR1", "CDKN2A", "HIF1A", "CD4", "APC", "SMAD4", "RB1", "ATM", "ARID1A", "KEAP1", "STK11", "NF1", "VHL", "BAP1", "PBRM1", "SETD2", "IDH1", "IDH2", "ATRX", "TERT", "CTNNB1", "FBXW7", "NOTCH1", "GATA3", "MAP3K1", "CDK4", "CDK6", "CCND1", "CCNE1", "MDM2", "MET", "FGFR1", "FGFR2", "FGFR3", "KIT", "PDGFRA", "ALK", "ROS1", "RET", "NTRK1", "JAK2", "STAT3", "AKT1", "MTOR", "TSC1", "TSC2", "POLE", "MSH2", "MSH6", "MLH1", "PMS2", "B2M", "HLA-A", "HLA-B", "HLA-C", "CD274", "PDCD1", "CTLA4", "LAG3", "TIGIT", "FOXP3", "CD68", "CD163", "ITGAX", "COL1A1", "COL1A2", "COL3A1", "FN1", "SPARC", "ACTA2", "TAGLN", "DES", "MYH11", "LUM", "DCN", "POSTN", "FAP", "S100A4", "S100A8", "S100A9", "LYZ", "C1QA", "C1QB", "APOE", "SPP1", "MMP2", "MMP9", "TGFB1", "TGFBR2", "SNAI1", "SNAI2", "ZEB1", "TWIST1", "KRT8", "KRT18", "KRT19", "KRT7", "CLDN3", "CLDN4", "OCLN", "TJP1", "GJB2", "ALDOA", "ENO1", "PKM", "TPI1", "RPL3", "RPL4", "RPS3", "RPS6", "EEF1A1", "TUBA1B", "TUBB", "HSP90AB1", "HSPA8", "UBC", "PPIA", "B4GALT1", "CALM1", "CALR", "CANX", "GNAS", "GNB1", "HNRNPA1", "NPM1", "PABPC1", "PTMA", "SERF2", "TMSB10", "TPT1", "YWHAZ", "FTH1", "FTL"]
REAL_IDS = {
    "TSPAN6": "ENSG00000000003",
    "TP53": "ENSG00000141510",
    "EGFR": "ENSG00000146648",
    "KRAS": "ENSG00000133703",
    "BRAF": "ENSG00000157764",
    "PTEN": "ENSG00000171862",
    "MYC": "ENSG00000136997",
    "ACTB": "ENSG00000075624",
    "GAPDH": "ENSG00000111640",
    "ERBB2": "ENSG00000141736",
    "PIK3CA": "ENSG00000121879",
    "BRCA1": "ENSG00000012048",
    "BRCA2": "ENSG00000139618",
    "ESR1": "ENSG00000091831",
    "CDH1": "ENSG00000039068",
    "VIM": "ENSG00000026025",
    "CDKN2A": "ENSG00000147889",
    "MKI67": "ENSG00000148773",
    "CD8A": "ENSG00000153563",
    "MS4A1": "ENSG00000156738",
    "VEGFA": "ENSG00000112715",
    "HIF1A": "ENSG00000100644",
    "CD4": "ENSG00000010610",
}
GENES = sorted({gene for names in PROGRAMMES.values() for gene in names.split()} | {*OTHERS, *MITOCHONDRIAL})
ENSEMBL = {gene: REAL_IDS.get(gene, f"ENSG{900001 + index:011d}") for index, gene in enumerate(GENES)}
#: Genes of the copy-number table.
COPY_NUMBER_GENES = ["ERBB2", "MYC", "CCND1", "EGFR", "CDKN2A", "PTEN", "RB1", "SMAD4", "MDM2", "CCNE1", "FGFR1", "MET", "TP53", "APC", "BRCA2", "KRAS"]
#: Genes with mutations that mean nothing.
PASSENGERS = ["APC", "ARID1A", "ATM", "NF1", "NOTCH1", "PIK3CA", "PTEN", "RB1", "SETD2", "SMAD4", "FBXW7", "KMT2D", "LRP1B", "TTN", "MUC16"]
