/** A worklist over UPS-RS: the origin server that was built for tests, in one of its dialects. */
import assert from 'node:assert/strict';
import { upsSource } from '../../../adapters/ups-rs/ups-source.ts';
import { studyUid } from '../../support/part10.ts';
import { type Dialect, type UpsServer, upsServer } from '../../support/ups-server/ups-server.ts';
import { scheduledWorkitem, send } from '../../support/ups-server/workitems.ts';
import type { SourceKind, SourceServer } from './source-kind.ts';

export function upsKind(port: number, dialect: Dialect): SourceKind {
  return { name: `UPS-RS, ${dialect}`, skip: false, start: () => start(port, dialect) };
}

async function start(port: number, dialect: Dialect): Promise<SourceServer> {
  let server: UpsServer = await upsServer({ port, dialect });
  let workitems = 0;
  return {
    source: (ports) =>
      upsSource({
        url: server.url,
        dialect,
        aeTitle: 'WETREAD',
        match: { workitemCodes: [{ value: 'READ', scheme: '99TEST' }] },
        reconcileMs: 200,
        followMs: 20,
        adoptAfterMs: 0,
        ports,
      }),
    announce: async (name) => {
      workitems += 1;
      const studyInstanceUid = studyUid(name);
      const item = scheduledWorkitem({ studies: [{ studyInstanceUid }], patientId: 'patient of 1970' });
      const answer = await send('POST', `${server.url}/workitems?2.999.9.${workitems}`, item);
      assert.equal(answer.status, 201);
      return studyInstanceUid;
    },
    breakServer: async () => server[Symbol.asyncDispose](),
    mendServer: async () => {
      server = await upsServer({ port, dialect, worklist: server.worklist });
    },
    patientData: ['Planted', 'Name', 'patient of', '1970'],
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
    },
  };
}
