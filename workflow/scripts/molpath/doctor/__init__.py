"""What `snakemake doctor` looks at before a long run: software, machine, storage, inputs. It changes nothing."""
