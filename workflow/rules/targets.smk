"""What can be asked for: everything, one stage, or a look at what is there.

all        all that the config asks for
slides … probe, report        everything up to that stage
verify     manifests against files    orphans   files no manifest names
plan       what a run will cost       doctor    is this machine ready
"""
