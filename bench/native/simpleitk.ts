/** What most people would prepare a model's input with: SimpleITK, warm, on the threads that the product has. */
import { spawnSync } from 'node:child_process';
import { LimitProcess } from './limit-process.ts';

const python = process.env['WETREAD_IMAGING_PYTHON'] ?? 'python3';

/** Undefined where Python and its packages are there, else what to install. */
export function simpleItkMissing(): string | undefined {
  const found = spawnSync(python, ['-c', 'import numpy, SimpleITK']).status === 0;
  return found
    ? undefined
    : 'python3 -m venv DIR && DIR/bin/pip install SimpleITK==2.5.7 numpy==2.4.6, then WETREAD_IMAGING_PYTHON=DIR/bin/python';
}

/** The volume in memory as INT16 in Hounsfield units, as a reader would leave it; resampled and windowed in FP32. */
const SCRIPT = `
import json, sys, time
import numpy, SimpleITK
job = json.loads(sys.argv[1])
SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(job['threads'])
image = SimpleITK.GetImageFromArray(numpy.fromfile(job['voxels'], dtype=numpy.int16).reshape(job['shape']))
image.SetSpacing(job['spacing'])
image.SetOrigin(job['origin'])
resampler = SimpleITK.ResampleImageFilter()
resampler.SetSize(job['gridSize'])
resampler.SetOutputSpacing(job['gridSpacing'])
resampler.SetOutputOrigin(job['gridOrigin'])
resampler.SetInterpolator(SimpleITK.sitkLinear)
resampler.SetOutputPixelType(SimpleITK.sitkFloat32)
resampler.SetDefaultPixelValue(job['fill'])
def prepare():
    values = resampler.Execute(image)
    channels = [SimpleITK.IntensityWindowing(values, low, high, 0.0, 1.0) for low, high in job['windows']]
    if len(channels) == 1:
        return SimpleITK.GetArrayViewFromImage(channels[0]), channels
    return numpy.stack([SimpleITK.GetArrayViewFromImage(channel) for channel in channels]), channels
array, owners = prepare()
numpy.ascontiguousarray(array, dtype=numpy.float32).tofile(job['result'])
print('ready', flush=True)
for line in sys.stdin:
    wall, cpu = time.perf_counter(), time.process_time()
    array, owners = prepare()
    print((time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3, flush=True)
`;

export interface SimpleItkJob {
  readonly threads: number;
  /** File of INT16, Hounsfield units, `[slices, rows, columns]`. */
  readonly voxels: string;
  readonly shape: readonly number[];
  /** Columns first, as SimpleITK counts; the same below. */
  readonly spacing: readonly number[];
  readonly origin: readonly number[];
  readonly gridSize: readonly number[];
  readonly gridSpacing: readonly number[];
  readonly gridOrigin: readonly number[];
  readonly fill: number;
  readonly windows: readonly (readonly [low: number, high: number])[];
  /** File that the result of the first run is written to, FP32, `[channels, slices, rows, columns]`. */
  readonly result: string;
}

export function startSimpleItk(job: SimpleItkJob): Promise<LimitProcess> {
  return LimitProcess.start(python, ['-c', SCRIPT, JSON.stringify(job)]);
}
