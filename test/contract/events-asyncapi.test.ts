/** contracts/events.asyncapi.yaml is AsyncAPI 3, and says of names and bodies what the code says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import { EVENTS_EXCHANGE, FINDINGS_READY_KEY } from '../../adapters/rabbitmq/topology.ts';
import { validateStudyArrived } from '../../contracts/generated/validators.js';
import { parseConfig } from '../../services/wetread/config.ts';

interface Channel {
  readonly address: string;
  readonly bindings: { readonly amqp: { readonly exchange: { readonly name: string } } };
}
interface Message {
  readonly payload: { readonly schema: { readonly $ref: string } };
  readonly examples?: readonly { readonly payload: unknown }[];
}
interface Events {
  readonly channels: { readonly studyArrived: Channel; readonly findingsReady: Channel };
  readonly components: { readonly messages: Readonly<Record<string, Message>> };
}

const folder = join(import.meta.dirname, '..', '..', 'contracts');
const document = parse(readFileSync(join(folder, 'events.asyncapi.yaml'), 'utf8')) as Events;

test('WR-AMQ-13 the description of the events is valid AsyncAPI 3.0', () => {
  const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0.json') as object;
  const ajv = new Ajv({ strict: false, meta: false, validateSchema: false });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  assert.ok(validate(structuredClone(document)), JSON.stringify(validate.errors, null, 1));
  assert.ok(!validate({ ...document, channels: { wrong: { address: 7 } } }), 'the validator can refuse');
});

test('WR-AMQ-13 exchange, keys and bodies in it are those of the code', () => {
  const { studyArrived, findingsReady } = document.channels;
  const [own] = parseConfig({}).rabbitmq.arrivals;
  assert.deepEqual([studyArrived.address, findingsReady.address], [own?.routingKey, FINDINGS_READY_KEY]);
  for (const { bindings } of [studyArrived, findingsReady]) assert.equal(bindings.amqp.exchange.name, EVENTS_EXCHANGE);
  const { messages } = document.components;
  for (const { payload } of Object.values(messages)) readFileSync(join(folder, payload.schema.$ref));
  for (const { payload } of messages['studyArrived']?.examples ?? []) assert.ok(validateStudyArrived(payload));
});
