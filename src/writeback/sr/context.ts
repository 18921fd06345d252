/** Who speaks, in which language, and which algorithm: TID 1204, 1001, 1002, 1004 and 4019 (PS3.16). */

import type { Algorithm } from '../../inference/findings.ts';
import * as identity from '../identity.ts';
import { MANUFACTURER, type ResultContext, serialNumber } from '../modules.ts';
import * as concepts from './concepts.ts';
import { type ContentItem, codeItem, textItem, uidItem } from './content-item.ts';

/** TID 1204 Language of Content Item and Descendants. */
export function languageOfContent(): ContentItem {
  // PS3.16 TID 1204 row 1
  return codeItem('HAS CONCEPT MOD', concepts.LANGUAGE, concepts.ENGLISH);
}

/**
 * TID 1001 Observation Context, by row 1 a TID 1002 Observer Context for each algorithm, as a device. A draft never has a
 * person as its observer: only a human who signs becomes one.
 */
export function observationContext({ report, software }: ResultContext): readonly ContentItem[] {
  return report.readings.flatMap(({ algorithm }) => [
    // PS3.16 TID 1002 row 1
    codeItem('HAS OBS CONTEXT', concepts.OBSERVER_TYPE, concepts.DEVICE),
    // PS3.16 TID 1004 row 1
    uidItem('HAS OBS CONTEXT', concepts.DEVICE_OBSERVER_UID, identity.deviceObserverUid(algorithm)),
    // PS3.16 TID 1004 row 2
    textItem('HAS OBS CONTEXT', concepts.DEVICE_OBSERVER_NAME, algorithm.name),
    // PS3.16 TID 1004 row 3
    textItem('HAS OBS CONTEXT', concepts.DEVICE_OBSERVER_MANUFACTURER, MANUFACTURER),
    // PS3.16 TID 1004 row 4
    textItem('HAS OBS CONTEXT', concepts.DEVICE_OBSERVER_MODEL_NAME, `${algorithm.name} ${algorithm.version}`),
    // PS3.16 TID 1004 row 5
    textItem('HAS OBS CONTEXT', concepts.DEVICE_OBSERVER_SERIAL_NUMBER, serialNumber(software)),
  ]);
}

/** TID 4019 Algorithm Identification; each parameter, and the digest of the package first, as `key=value`. */
export function algorithmIdentification(algorithm: Algorithm): readonly ContentItem[] {
  return [
    // PS3.16 TID 4019 row 1
    textItem('HAS CONCEPT MOD', concepts.ALGORITHM_NAME, algorithm.name),
    // PS3.16 TID 4019 row 2
    textItem('HAS CONCEPT MOD', concepts.ALGORITHM_VERSION, algorithm.version),
    // PS3.16 TID 4019 row 3
    ...algorithmParameters(algorithm).map((text) => textItem('HAS CONCEPT MOD', concepts.ALGORITHM_PARAMETERS, text)),
    // PS3.16 TID 4019 row 4
    codeItem('HAS CONCEPT MOD', concepts.ALGORITHM_FAMILY, concepts.ARTIFICIAL_INTELLIGENCE),
  ];
}

/** Sorted by key, so that the same parameters give the same bytes in whatever order they came. */
export function algorithmParameters({ digest, parameters }: Algorithm): readonly string[] {
  const others = Object.keys(parameters).sort();
  return [`digest=${digest}`, ...others.map((key) => `${key}=${parameters[key]}`)];
}
