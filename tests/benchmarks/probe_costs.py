"""Seconds that one fit of the probes takes, a million of samples x width (x classes): constants of resources/costs."""

import time

import numpy as np
from molpath.probe.probes import ProbeFailed, fit_cox, fit_logistic
from schema_defaults import defaults_of


def planted(samples: int, width: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (float32, samples x width) whose classes are about one deviation apart in ten directions."""
    random = np.random.default_rng(0)
    labels = random.integers(classes, size=samples)
    x = random.normal(size=(samples, width)).astype(np.float32)
    x[:, :10] += random.normal(size=(classes, 10))[labels]
    return x, labels


def main() -> None:
    """Rows: what, samples, width, classes, seconds, seconds a million."""
    settings = defaults_of("probe")
    warm, few = planted(20, 10, 2)
    fit_logistic(warm, few, warm, 2, settings)
    fit_cox(warm, np.arange(1.0, 21.0), few == 1, warm, settings["cox"])
    print("what\tsamples\twidth\tclasses\tseconds\tseconds_a_million")
    for samples, width, classes in ((80, 1024, 2), (850, 1024, 2), (430, 1024, 7), (1700, 1024, 30)):
        x, labels = planted(samples, width, classes)
        began = time.perf_counter()
        fit_logistic(x, labels, x[:10], classes, settings)
        spent = time.perf_counter() - began
        print(
            "logistic",
            samples,
            width,
            classes,
            f"{spent:.3f}",
            f"{spent / (samples * width * classes / 1e6):.3f}",
            sep="\t",
        )
    for samples, width in ((80, 1024), (150, 1024)):
        x, labels = planted(samples, width, 2)
        times = np.random.default_rng(1).exponential(500, samples) * (1 + labels)
        began = time.perf_counter()
        try:
            fit_cox(x, times, times < np.median(times), x[:10], settings["cox"])
        except ProbeFailed as error:
            print(f"# {error}")
        spent = time.perf_counter() - began
        print("cox", samples, width, 1, f"{spent:.3f}", f"{spent / (samples * width / 1e6):.3f}", sep="\t", flush=True)


if __name__ == "__main__":
    main()
