/** What names studies by itself: a worklist, a FHIR server that calls, and watched folders. */
import { access, constants } from 'node:fs/promises';
import type { FhirClient } from '../../../adapters/fhir/client.ts';
import type { WorklistClient } from '../../../adapters/ups-rs/worklist-client.ts';
import { type CheckResult, fail, ok, type Part } from './check.ts';
import { type Address, reach } from './reach.ts';

/** Procedure Step Label (0074,1204) that no item has: what counts is that the question is allowed. */
const NO_ITEM = { '00741204': 'WETREAD-DOCTOR' };

export function worklistPart(name: string, address: Address, client: WorklistClient): Part {
  return {
    name,
    place: address.url.href,
    async examine(step) {
      if (!(await reach(address, step))) return;
      await step('search', async (signal) => {
        await client.search(NO_ITEM, signal);
        return ok('A search for work items is answered');
      });
    },
  };
}

export function subscriptionPart(address: Address, client: FhirClient, resourceTypes: readonly string[]): Part {
  return {
    name: 'fhirSubscription',
    place: address.url.href,
    async examine(step) {
      if (!(await reach(address, step))) return;
      for (const resourceType of resourceTypes) {
        await step(resourceType, async (signal) => {
          // No resource has it.
          const nobody = { identifier: 'urn:wetread:doctor|none' };
          await client.search(resourceType as 'ImagingStudy' | 'ServiceRequest', nobody, signal);
          return ok('A search for what may have been missed is answered');
        });
      }
    },
  };
}

/** @param folders key of the configuration to folder, and whether files are put there */
export function foldersPart(folders: readonly { key: string; folder: string; isTarget: boolean }[]): Part {
  return {
    name: 'folderWatch',
    place: folders.map(({ folder }) => folder).join(', '),
    async examine(step) {
      for (const { key, folder, isTarget } of folders) await step(key, () => usable(folder, key, isTarget));
    },
  };
}

async function usable(folder: string, key: string, isTarget: boolean): Promise<CheckResult> {
  try {
    await access(folder, isTarget ? constants.R_OK | constants.W_OK : constants.R_OK);
    return ok(isTarget ? 'Can be read and written' : 'Can be read');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const verb = isTarget ? 'written' : 'read';
    return fail(
      `Cannot be ${verb} (${code})`,
      `Make the folder, or give it to the account of Wetread, or correct ${key}.`,
    );
  }
}
