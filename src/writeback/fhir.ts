/** The FHIR R4 resources that Wetread writes, typed from the R4 definitions. */
import type { Bundle as R4Bundle } from 'fhir/r4.js';

export type Bundle = R4Bundle;
