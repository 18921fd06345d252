/** Polling with an archive's own list of changes: days are looked through at the first poll, and never again in the suite. */
import assert from 'node:assert/strict';
import { azureChangeFeed } from '../../../adapters/dicomweb/azure-change-feed.ts';
import { orthancChanges } from '../../../adapters/dicomweb/orthanc-changes.ts';
import { qidoSource } from '../../../adapters/dicomweb/qido-source.ts';
import { dayOf } from '../../../src/arrival/poll-schedule.ts';
import { azureChangeFeedPeer } from '../../support/azure-change-feed.ts';
import { stow, stowBody } from '../../support/dicomweb-server.ts';
import { startOrthanc, withoutOrthanc } from '../../support/orthanc.ts';
import { part10File, studyUid, text } from '../../support/part10.ts';
import { FAST, qidoKind } from './qido.ts';
import type { SourceKind } from './source-kind.ts';

export function orthancChangesKind(httpPort: number, dicomPort: number): SourceKind {
  return { name: 'Orthanc /changes', skip: withoutOrthanc, start: () => startOnOrthanc(httpPort, dicomPort) };
}

async function startOnOrthanc(httpPort: number, dicomPort: number): ReturnType<SourceKind['start']> {
  const orthanc = await startOrthanc({ httpPort, dicomPort });
  const url = `${orthanc.url}/dicom-web`;
  let images = 0;
  return {
    source: (ports) => qidoSource({ url, ...FAST, feed: orthancChanges({ url: orthanc.url }), ports }),
    announce: async (name) => {
      images += 1;
      const attributes = { '00080020': text('DA', dayOf(Date.now())) };
      const { bytes } = part10File({ study: name, instance: `image ${images}`, attributes });
      assert.equal((await stow(url, stowBody(bytes))).status, 200);
      return studyUid(name);
    },
    breakServer: async () => orthanc.kill(),
    mendServer: () => orthanc.restart(),
    patientData: ['Doe', 'patient of', '19700101'],
    [Symbol.asyncDispose]: () => orthanc.stop(),
  };
}

export function azureChangeFeedKind(port: number): SourceKind {
  const archive = qidoKind(port);
  return { name: 'Azure change feed', skip: false, start: () => startOnAzure(archive, port) };
}

/** The archive is the embedded one; the peer tells of what is stored there. */
async function startOnAzure(archive: SourceKind, port: number): ReturnType<SourceKind['start']> {
  const server = await archive.start();
  const peer = await azureChangeFeedPeer();
  const url = `http://127.0.0.1:${port}/dicom-web`;
  return {
    ...server,
    source: (ports) => qidoSource({ url, ...FAST, feed: azureChangeFeed({ url: peer.url }), ports }),
    announce: async (name) => {
      const study = await server.announce(name);
      peer.add(study);
      return study;
    },
    breakServer: async () => {
      await Promise.all([peer.close(), server.breakServer()]);
    },
    mendServer: async () => {
      await Promise.all([peer.reopen(), server.mendServer()]);
    },
    async [Symbol.asyncDispose]() {
      await peer[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
