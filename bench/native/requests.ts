/** What most people would write: Python with requests, pydicom and numpy. */
import { spawnSync } from 'node:child_process';
import { LimitProcess } from './limit-process.ts';

const python = process.env['WETREAD_PYTHON'] ?? 'python3';

/** Undefined where Python and its packages are there, else what to install. */
export function requestsMissing(): string | undefined {
  const found = spawnSync(python, ['-c', 'import numpy, pydicom, requests']).status === 0;
  return found
    ? undefined
    : 'python3 -m venv DIR && DIR/bin/pip install numpy pydicom requests, then WETREAD_PYTHON=DIR/bin/python';
}

const SCRIPT = `
import io, sys, time
import numpy, pydicom, requests
accept = {'Accept': 'multipart/related; type="application/dicom"; transfer-syntax=*'}
print('ready', flush=True)
for line in sys.stdin:
    wall, cpu = time.perf_counter(), time.process_time()
    answer = requests.get(sys.argv[1], headers=accept)
    boundary = answer.headers['Content-Type'].split('boundary=')[1].split(';')[0].strip('"').encode()
    files = []
    for part in answer.content.split(b'--' + boundary)[1:-1]:
        files.append(pydicom.dcmread(io.BytesIO(part[part.index(b'\\r\\n\\r\\n') + 4:])))
    files.sort(key=lambda file: float(file.ImagePositionPatient[2]))
    volume = numpy.stack([file.pixel_array for file in files])
    print((time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3, flush=True)
`;

/** From the bytes of a series to a sorted array of stored values; imports are done before the first run. */
export function startRequests(url: string): Promise<LimitProcess> {
  return LimitProcess.start(python, ['-c', SCRIPT, url]);
}
