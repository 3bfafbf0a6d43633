"""How often tests find a difference at 5 % where there is none: between alike models, of scores, risk groups and genes.

Prints a row per design; molpath/tables/type_one.py holds the numbers, which the page of tests prints.
"""

from null_models import (
    error_rates,
    gene_error_rates,
    mixed_error_rates,
    permuted_error_rates,
    survival_error_rates,
)


def main() -> None:
    """All designs."""
    for slides in (1, 5):
        for cases in (60, 200):
            show(f"5 folds, {cases} cases, {slides} slides each", error_rates(300, cases=cases, slides=slides))
        rates = error_rates(150, cases=60, slides=slides, folds=50, repeated=True)
        show(f"50 repeated folds, 60 cases, {slides} slides each", rates)
        show(f"8 tasks of 60 cases, {slides} slides each", mixed_error_rates(300, cases=60, slides=slides))
        show(f"score, 60 cases, {slides} slides each", permuted_error_rates(300, cases=60, slides=slides))
        show(f"risk groups, 60 cases, {slides} slides each", survival_error_rates(200, slides=slides))
        show(f"genes, 30 cases, {slides} slides each", gene_error_rates(300, slides=slides))


def show(design: str, rates: dict) -> None:
    """A row: the design and the share of P < 0.05 of each test."""
    print(design, *(f"{name} {share:.1%}" for name, share in dict(rates).items()), sep="\t", flush=True)


if __name__ == "__main__":
    main()
