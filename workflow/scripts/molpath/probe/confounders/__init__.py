"""Is a label read from biology, or from the hospital, stain or scanner? Columns of the cases as confounders.

A case is the unit everywhere: its samples, folds and repeats are combined first. `battery.assess` makes every table.
"""
