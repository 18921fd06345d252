/** The limit of every retrieve: curl, throwing the bytes away. */
import { spawnSync } from 'node:child_process';
import { LimitProcess } from './limit-process.ts';

/** Undefined where curl is there, else what to install. */
export function curlMissing(): string | undefined {
  const found = spawnSync('bash', ['-c', 'command -v curl']).status === 0;
  return found ? undefined : 'the limit needs bash and curl; apt-get install curl';
}

/**
 * Wall time is curl's own, from start to last byte, which leaves out that a process starts; processor time is the
 * shell's. Both come in seconds with a point that is dropped.
 */
const SCRIPT = `
export LC_ALL=C TIMEFORMAT='%3U %3S'
echo ready
while read -r line; do
  said=$({ time curl --silent --fail --output /dev/null --write-out '%{time_total} ' \
    --header 'Accept: multipart/related; type="application/dicom"; transfer-syntax=*' "$1"; } 2>&1)
  set -- "$1" $said
  echo "$((10#\${2/./}))e-3 $((10#\${3/./})) $((10#\${4/./}))"
done`;

export function startCurl(url: string): Promise<LimitProcess> {
  return LimitProcess.start('bash', ['-c', SCRIPT, 'bash', url]);
}
