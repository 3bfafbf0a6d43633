"""Patches read by fastslide or cuCIM and shrunk by area; run in .venv-peers by read_resolutions. Prints CPU-seconds."""

import json
import sys
import time

import cv2
import numpy as np

cv2.setNumThreads(1)


def opener(peer):
    """A function of a path that gives a function of x, y and edge: RGB at level 0."""
    if peer == "fastslide":
        import fastslide

        def open_by_fastslide(path):
            slide = fastslide.FastSlide.from_file_path(path)
            return lambda x, y, edge: np.asarray(slide.read_region((x, y), 0, (edge, edge)).numpy())

        return open_by_fastslide
    from cucim import CuImage

    def open_by_cucim(path):
        slide = CuImage(path)
        return lambda x, y, edge: np.asarray(slide.read_region((x, y), (edge, edge), 0))

    return open_by_cucim


def main():
    """Read what the task asks for."""
    task = json.loads(sys.argv[1])
    open_path, size = opener(task["peer"]), task["size"]
    began = time.process_time()
    region, edge = open_path(task["path"]), task["edge"]
    method = cv2.INTER_AREA if edge > size else cv2.INTER_CUBIC
    for x, y in task["coords"]:
        cv2.resize(np.ascontiguousarray(region(x, y, edge)[..., :3]), (size, size), interpolation=method)
    print(time.process_time() - began)


if __name__ == "__main__":
    main()
