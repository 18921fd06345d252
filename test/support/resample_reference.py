"""Resamples with SimpleITK and with scipy and compares with a result: a job file in, JSON out."""

import json
import sys

import numpy
import scipy.ndimage
import SimpleITK

# Where a point lies this close to the edge of the volume, in voxels, rounding decides whether it is inside.
EDGE = 1e-3


def affine_of(numbers):
    return numpy.array(numbers, dtype=float).reshape(4, 4)


def indices(job):
    """Index into the volume, [slice, row, column], of every point of the grid."""
    to_index = numpy.linalg.inv(affine_of(job["affine"])) @ affine_of(job["gridAffine"])
    points = numpy.indices(job["gridShape"], dtype=float).reshape(3, -1)
    return to_index[:3, :3] @ points + to_index[:3, 3:]


def by_scipy(volume, job, at, order):
    values = scipy.ndimage.map_coordinates(volume, at, order=order, mode="nearest", output=numpy.float64)
    size = numpy.array(job["shape"], dtype=float)[:, None]
    inside = numpy.all((at >= -0.5) & (at <= size - 0.5), axis=0)
    return numpy.where(inside, values, job["fill"])


def image_of(volume, job):
    if "files" in job:
        image = SimpleITK.ReadImage(job["files"], SimpleITK.sitkFloat64)
        return image
    affine = affine_of(job["affine"])
    # SimpleITK counts columns first
    axes = affine[:3, [2, 1, 0]]
    spacing = numpy.linalg.norm(axes, axis=0)
    image = SimpleITK.GetImageFromArray(volume.astype(numpy.float64))
    image.SetSpacing(spacing.tolist())
    image.SetDirection((axes / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image


def by_simpleitk(volume, job, interpolator):
    grid = affine_of(job["gridAffine"])
    axes = grid[:3, [2, 1, 0]]
    spacing = numpy.linalg.norm(axes, axis=0)
    resampler = SimpleITK.ResampleImageFilter()
    resampler.SetSize([int(n) for n in reversed(job["gridShape"])])
    resampler.SetOutputSpacing(spacing.tolist())
    resampler.SetOutputDirection((axes / spacing).ravel().tolist())
    resampler.SetOutputOrigin(grid[:3, 3].tolist())
    resampler.SetInterpolator(interpolator)
    resampler.SetDefaultPixelValue(float(job["fill"]))
    resampled = resampler.Execute(image_of(volume, job))
    return SimpleITK.GetArrayFromImage(resampled).ravel()


def judged(job, at, nearest):
    """Points whose value does not hang on the last bit."""
    size = numpy.array(job["shape"], dtype=float)[:, None]
    edge = numpy.minimum(numpy.abs(at + 0.5), numpy.abs(at - size + 0.5)).min(axis=0)
    sure = edge > EDGE
    if nearest:
        sure &= numpy.abs(at - numpy.floor(at) - 0.5).min(axis=0) > EDGE
    return sure


def main(path):
    with open(path, encoding="utf-8") as file:
        job = json.load(file)
    volume = numpy.fromfile(job["volume"], dtype=numpy.float32).reshape(job["shape"])
    result = numpy.fromfile(job["result"], dtype=numpy.float32).astype(numpy.float64)
    nearest = job["interpolation"] == "nearest"
    at = indices(job)
    sure = judged(job, at, nearest)
    interpolator = SimpleITK.sitkNearestNeighbor if nearest else SimpleITK.sitkLinear
    expected = {
        "scipy": by_scipy(volume, job, at, 0 if nearest else 1),
        "simpleitk": by_simpleitk(volume, job, interpolator),
    }
    inside = expected["scipy"] != job["fill"]
    worst = {name: float(numpy.abs(values - result)[sure].max()) for name, values in expected.items()}
    print(json.dumps({**worst, "judged": float(sure.mean()), "inside": float(inside.mean())}))


main(sys.argv[1])
