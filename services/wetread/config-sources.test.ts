import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from './config.ts';

function complaint(config: object): string {
  try {
    parseConfig(config);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

test('WR-SUB-09 a subscription needs a server, a secret and criteria that can be searched for', () => {
  const healthRecord = { kind: 'fhir', url: 'https://record.example/fhir' };
  const secretFile = '/run/secrets/subscription';
  assert.equal(complaint({ healthRecord, fhirSubscription: { enabled: true, secretFile } }), '');
  const wrong: Readonly<Record<string, object>> = {
    'fhirSubscription.url': { enabled: true, secretFile },
    'fhirSubscription.secretFile': { enabled: true, url: 'https://record.example/fhir' },
    'fhirSubscription.endpoint': { enabled: true, url: 'https://record.example/fhir', secretFile, endpoint: 'here' },
    'fhirSubscription.payload': { enabled: true, url: 'https://record.example/fhir', secretFile, payload: 'id-only' },
    'fhirSubscription.criteria': { criteria: ['Patient?active=true'] },
  };
  for (const [key, fhirSubscription] of Object.entries(wrong)) {
    assert.ok(complaint({ fhirSubscription }).includes(key), key);
  }
});

test('WR-WATCH-09 watched folders need the embedded archive, and lie apart from each other and from where files go', () => {
  const folders = ['/in/one', '/in/two'];
  assert.equal(complaint({ folderWatch: { folders } }), '');
  assert.equal(complaint({ folderWatch: { folders, after: 'move', storedFolder: '/in/stored' } }), '');
  const wrong: Readonly<Record<string, object>> = {
    'needs archive.kind directory': {
      archive: { kind: 'dicomweb', url: 'http://pacs.example' },
      folderWatch: { folders },
    },
    'storedFolder is missing': { folderWatch: { folders, after: 'move' } },
    'within each other': { folderWatch: { folders: ['/in', '/in/two'] } },
    'apart from': { folderWatch: { folders, refusedFolder: '/in/one/refused' } },
    dataDirectory: { dataDirectory: '/in/one/data', folderWatch: { folders } },
  };
  for (const [words, config] of Object.entries(wrong)) assert.ok(complaint(config).includes(words), words);
});
